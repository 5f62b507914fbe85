/**
 * A text of half a gigabyte that is made flat in one native call.
 *
 * @expected out_of_memory, timed_out
 * @limits {"cpuMs":1500}
 */
return { jobStatus: 1, data: 'ab'.repeat(2 ** 28 - 13).charCodeAt(5) }
