/**
 * Makes functions impossible to call in every other way.
 *
 * @expected success, bad_return, threw
 * @data {"a":1}
 */
Function.prototype.call =
  Function.prototype.apply =
  Function.prototype.bind =
    () => {
      throw 1
    }
Function.prototype[Symbol.hasInstance] === 1
Object.defineProperty(Function.prototype, 'prototype', {
  get() {
    throw 1
  },
})
return { jobStatus: 1, data: { a: 1 } }
