/**
 * JSON nested five million times.
 *
 * @expected out_of_memory, timed_out, threw
 * @limits {"cpuMs":1500}
 */
return { jobStatus: 1, data: JSON.parse('['.repeat(5e6) + ']'.repeat(5e6)).length }
