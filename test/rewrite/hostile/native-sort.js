/**
 * Sorts millions of numbers as texts.
 *
 * @expected timed_out, out_of_memory
 * @limits {"wallMs":300}
 */
const many = Array.from({ length: 3e6 }, (_, index) => (index * 7919) % 3000017)
return { jobStatus: 1, data: many.sort().length }
