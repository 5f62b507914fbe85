/**
 * Takes JSON, Reflect and Object away.
 *
 * @expected success
 * @data {"a":"b"}
 */
JSON.stringify = JSON.parse = () => {
  throw 1
}
Object.keys =
  Reflect.apply =
  Object.defineProperty =
  Object.getPrototypeOf =
    () => {
      throw 1
    }
delete globalThis.JSON
delete globalThis.Object
delete globalThis.Reflect
return { jobStatus: 1, data: { a: 'b' } }
