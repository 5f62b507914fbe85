/**
 * Makes a proxy the prototype of the global object, which then hears of every name that is looked up.
 *
 * @expected success, threw
 * @data []
 */
const seen = []
Object.setPrototypeOf(Object.getPrototypeOf(globalThis), null)
try {
  Object.setPrototypeOf(
    globalThis,
    new Proxy(
      {},
      { has: () => false, get: (_target, key, receiver) => void seen.push(typeof receiver.process) },
    ),
  )
} catch {}
console.log(typeof process)
return { jobStatus: 1, data: seen.filter((type) => type !== 'undefined') }
