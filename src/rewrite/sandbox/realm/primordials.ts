/**
 * The parts of the language that the realm uses after a function has run, taken before a function can change
 * them. A function that breaks the language harms only itself; this keeps honest polyfills from spoiling results.
 */
export const apply = Reflect.apply
export const objectKeys = Object.keys
export const defineProperty = Object.defineProperty
export const isArray = Array.isArray
export const isFiniteNumber = Number.isFinite
export const isNotNumber = Number.isNaN
export const toText = String
export const copyList: <Item>(list: readonly Item[]) => Item[] = uncurried(Array.prototype.slice)
export const slice = uncurried(String.prototype.slice)
export const charCodeAt = uncurried(String.prototype.charCodeAt)
export const dateTime = uncurried(Date.prototype.getTime)
export const dateText = uncurried(Date.prototype.toISOString)
export const mapForEach = uncurried(Map.prototype.forEach)
export const setForEach = uncurried(Set.prototype.forEach)
export const PromiseClass = Promise
export const DateClass = Date
export const MapClass = Map
export const SetClass = Set
export const WeakMapClass = WeakMap
export const WeakSetClass = WeakSet
export const ErrorClass = Error
export const NumberClass = Number
export const StringClass = String
export const BooleanClass = Boolean
export const BigIntClass = BigInt
export const RegExpClass = RegExp

function uncurried<This, Args extends unknown[], Result>(
  method: (this: This, ...args: Args) => Result,
): (self: This, ...args: Args) => Result {
  return (self, ...args) => apply(method, self, args)
}
