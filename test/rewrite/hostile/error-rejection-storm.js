/**
 * Hundreds of thousands of rejections that nobody handles.
 *
 * @expected success, timed_out, out_of_memory
 * @data "returned"
 * @limits {"cpuMs":2000}
 */
for (let count = 0; count < 1e5; count += 1) Promise.reject(new Error(`${count}`))
return { jobStatus: 1, data: 'returned' }
