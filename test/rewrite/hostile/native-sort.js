/**
 * Sorts hundreds of thousands of numbers as texts.
 *
 * @expected timed_out, out_of_memory
 * @limits {"wallMs":100}
 */
return { jobStatus: 1, data: [...new Array(3e5).keys()].sort().length }
