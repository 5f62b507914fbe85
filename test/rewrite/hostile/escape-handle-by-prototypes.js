/**
 * Changes everything that a call to the host passes by, to catch the handle on its way.
 *
 * @expected success
 * @data 0
 * @outside
 */
const seen = []
const caught = (one) => {
  if (
    one !== undefined &&
    one !== null &&
    (typeof one === 'object' || typeof one === 'function') &&
    'applySyncPromise' in one
  )
    seen.push('the handle')
}
for (const name of ['applySyncPromise', 'ok', 'status', 'message', 'mayPass'])
  Object.defineProperty(Object.prototype, name, {
    configurable: true,
    get() {
      return undefined
    },
    set(value) {
      caught(this)
      caught(value)
    },
  })
for (const name of ['apply', 'call', 'bind'])
  Function.prototype[name] = function (...given) {
    for (const one of [this, ...given])
      seen.push(typeof one?.applySyncPromise === 'function' ? 'the handle' : '')
  }
Array.prototype.push = function (...given) {
  given.forEach?.(caught)
}
for (const name of ['map', 'forEach', 'some', 'concat'])
  Array.prototype[name] = function () {
    return []
  }
Promise.prototype.then = new Proxy(Promise.prototype.then, {
  apply(target, self, given) {
    for (let i = 0; i < given.length; i += 1) caught(given[i])
    return Reflect.apply(target, self, given)
  },
})
try {
  await fetchUrl('https://erp.example/', { method: 'POST', body: { a: 1 }, headers: { a: 'b' } })
} catch {}
return { jobStatus: 1, data: seen.filter((one) => one !== '').length }
