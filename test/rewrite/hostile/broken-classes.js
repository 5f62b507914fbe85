/**
 * Says of everything that it is an instance of everything.
 *
 * @expected success, bad_return
 * @data 1
 */
for (const Class of [Date, Map, Set, Promise, Error, RegExp])
  Object.defineProperty(Class, Symbol.hasInstance, { value: () => true })
console.log({ a: 1 })
return { jobStatus: 1, data: 1 }
