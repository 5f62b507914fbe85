/**
 * Fills what the isolate never forgets, the names of symbols, so that the next call has no room.
 *
 * @expected success, timed_out, out_of_memory
 * @data "filled"
 * @times 4
 * @limits {"cpuMs":3000}
 */
const salt = `${Math.random()}`
for (let count = 0; count < 15000; count += 1) Symbol.for(salt + count + 'x'.repeat(300))
return { jobStatus: 1, data: 'filled' }
