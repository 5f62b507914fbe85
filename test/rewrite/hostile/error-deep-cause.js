/**
 * A chain of causes as long as it can be made.
 *
 * @expected threw, out_of_memory, timed_out
 * @limits {"cpuMs":1500}
 */
let error = new Error('0')
for (let count = 0; count < 20000; count += 1) error = new Error(`${count}`, { cause: error })
throw error
