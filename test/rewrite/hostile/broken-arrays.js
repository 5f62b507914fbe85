/**
 * Makes every method of arrays throw.
 *
 * @expected success
 * @data {"a":["b"]}
 */
for (const name of Object.getOwnPropertyNames(Array.prototype))
  if (name !== 'constructor')
    try {
      Array.prototype[name] = () => {
        throw 1
      }
    } catch {}
Array.prototype[Symbol.iterator] = () => {
  throw 1
}
return { jobStatus: 1, data: { a: ['b'] } }
