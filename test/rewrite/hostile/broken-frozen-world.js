/**
 * Freezes everything, so that nothing of the sandbox can be written any more.
 *
 * @expected success, bad_return, threw
 * @data {"a":[1]}
 */
for (const name of Object.getOwnPropertyNames(globalThis)) {
  const value = globalThis[name]
  if (typeof value === 'function') Object.freeze(value.prototype ?? {})
  if (typeof value === 'object' || typeof value === 'function') Object.freeze(value)
}
Object.freeze(globalThis)
console.log('x')
return { jobStatus: 1, data: { a: [1] } }
