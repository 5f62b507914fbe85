/**
 * A toJSON on every object that cannot be taken away again.
 *
 * @expected success, bad_return
 * @data "no"
 */
Object.defineProperty(Object.prototype, 'toJSON', { value: () => 'no' })
console.log(1)
return { jobStatus: 1, data: { a: [1] } }
