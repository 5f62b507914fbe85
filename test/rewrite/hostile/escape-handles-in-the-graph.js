/**
 * Walks everything that can be reached, getters included, for handles of isolated-vm and objects of
 * Node.
 *
 * @expected success
 * @data [[],true]
 * @outside
 */
const seen = new Set()
const found = []
const queue = [
  globalThis,
  job,
  fetchUrl,
  queueManager,
  await fetchUrl('https://erp.example/'),
  new Error('x'),
  (async () => {})(),
  (function* () {})(),
]
const wanted =
  /^(Reference|ExternalCopy|Callback|Isolate|Context|Script|Module|Dereference|Process|Socket|Buffer|Worker)$/
while (queue.length > 0) {
  const one = queue.pop()
  if (
    (typeof one !== 'object' && typeof one !== 'function') ||
    one === null ||
    seen.has(one) ||
    one === queueManager
  )
    continue
  seen.add(one)
  const name = Object.getOwnPropertyDescriptor(one, 'constructor')?.value?.name ?? ''
  if (wanted.test(name) || 'applySyncPromise' in one || 'derefInto' in one || 'copySync' in one)
    found.push(name || 'a handle')
  queue.push(Object.getPrototypeOf(one))
  for (const key of Reflect.ownKeys(one)) {
    const { value, get, set } = Object.getOwnPropertyDescriptor(one, key)
    queue.push(value, get, set)
    if (get)
      try {
        queue.push(get.call(one))
      } catch {}
  }
}
return { jobStatus: 1, data: [found, seen.size > 500] }
