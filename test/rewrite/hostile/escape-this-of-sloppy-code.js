/**
 * Code made from text runs outside of strict mode: its `this` might be another global object.
 *
 * @expected success
 * @data [["same","undefined"],["same","undefined"],["same","undefined"]]
 */
const found = [new Function('return this')(), (0, eval)('this'), new Function('return (() => this)()')()]
return {
  jobStatus: 1,
  data: found.map((there) => [there === globalThis ? 'same' : 'another', typeof there.process]),
}
