/**
 * Leaves rejections and promises that are settled when its call is over.
 *
 * @expected success
 * @data "undefinedobject"
 */
const found = typeof globalThis.late
for (let count = 0; count < 100; count += 1) Promise.reject(new Error('left')).catch(() => 0)
Promise.reject(new Error('unhandled'))
const deferred = Promise.withResolvers()
deferred.promise.then(() => {
  globalThis.late = 1
})
console.left = deferred
return { jobStatus: 1, data: found + typeof console.left.promise }
