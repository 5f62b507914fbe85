/**
 * Arrays of a class of its own, whose species is asked by every method that makes a new array.
 *
 * @expected success, bad_return
 * @data []
 */
const made = []
class Trapped extends Array {
  static get [Symbol.species]() {
    return function (...given) {
      made.push(typeof this?.process, ...given.map((one) => typeof one?.process))
      return []
    }
  }
}
Array.prototype.constructor = Trapped
console.log(
  [1, 2].map((x) => x),
  new Trapped(1, 2),
)
return { jobStatus: 1, data: made.filter((type) => type !== 'undefined') }
