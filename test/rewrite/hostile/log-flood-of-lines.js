/**
 * A million lines.
 *
 * @expected success, timed_out
 * @data "said"
 * @limits {"cpuMs":2000}
 */
for (let count = 0; count < 1e6; count += 1) console.log(count)
return { jobStatus: 1, data: 'said' }
