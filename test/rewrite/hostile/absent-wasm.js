/**
 * WebAssembly, whose memory is not the isolate's: by its name, by other names, by what might still
 * hold it.
 *
 * @expected success
 * @data 0
 */
const ways = [
  () => WebAssembly,
  () => globalThis['Web' + 'Assembly'],
  () => (0, eval)('WebAssembly'),
  () => new Function('return WebAssembly')(),
  () => Reflect.get(globalThis, 'WebAssembly'),
]
const found = ways.filter((way) => {
  try {
    return way() !== undefined
  } catch {
    return false
  }
})
return { jobStatus: 1, data: found.length }
