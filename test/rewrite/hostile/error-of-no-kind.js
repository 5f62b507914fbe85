/**
 * Throws what is no error: nothing at all, symbols, functions, big numbers.
 *
 * @expected success
 * @data "logged"
 */
for (const thrown of [undefined, null, Symbol('x'), 5n, () => 1, NaN, queueManager]) {
  console.log(thrown)
  await Promise.reject(thrown).catch(() => 0)
}
return { jobStatus: 1, data: 'logged' }
