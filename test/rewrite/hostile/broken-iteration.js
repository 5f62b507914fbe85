/**
 * Iterators that never end.
 *
 * @expected success, timed_out
 * @data [1,{"a":2}]
 */
Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: false, value: 1 })
return { jobStatus: 1, data: [1, { a: 2 }] }
