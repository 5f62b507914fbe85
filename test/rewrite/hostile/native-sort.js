/**
 * Sorts hundreds of thousands of long texts, which differ by their last character alone.
 *
 * @expected timed_out, out_of_memory
 * @limits {"wallMs":100}
 */
const texts = ['b', 'c', 'd'].map((last) => 'a'.repeat(1e6) + last)
return { jobStatus: 1, data: Array.from({ length: 3e5 }, (_, n) => texts[(n * n) % 7 % 3]).sort().length }
