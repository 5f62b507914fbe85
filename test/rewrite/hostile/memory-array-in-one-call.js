/**
 * A quarter of a gigabyte in one native call, which isolated-vm notices only afterwards.
 *
 * @expected out_of_memory, timed_out
 * @limits {"cpuMs":1500}
 */
return { jobStatus: 1, data: new Array(3.3e7).fill(1).length }
