/**
 * Digits of a number with four hundred thousand of them, again and again.
 *
 * @expected timed_out, out_of_memory
 * @limits {"wallMs":100}
 */
let length = 0
for (let count = 0; count < 1000; count += 1) length += (10n ** 400000n).toString().length
return { jobStatus: 1, data: length }
