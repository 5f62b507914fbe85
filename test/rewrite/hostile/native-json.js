/**
 * Writes and reads JSON of a size that takes all the time.
 *
 * @expected timed_out, out_of_memory
 * @limits {"wallMs":100}
 */
const text = JSON.stringify(new Array(2e6).fill({ a: 1 }))
return { jobStatus: 1, data: JSON.parse(text).length }
