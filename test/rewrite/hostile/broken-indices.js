/**
 * Setters on the indices of arrays.
 *
 * @expected success, bad_return, threw
 * @data {"a":[1]}
 */
for (let index = 0; index < 50; index += 1)
  Object.defineProperty(Array.prototype, index, {
    set() {
      throw 1
    },
  })
console.log(1)
return { jobStatus: 1, data: { a: [1] } }
