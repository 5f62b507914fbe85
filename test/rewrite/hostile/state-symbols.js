/**
 * The registry of symbols is one for the whole isolate.
 *
 * @expected success
 * @data ["undefined","undefined","undefined","undefined"]
 */
const symbol = Symbol.for('left')
const found = [
  typeof symbol.constructor.left,
  typeof globalThis[symbol],
  typeof Object.prototype[symbol],
  typeof Symbol.prototype.left,
]
Symbol.left = Symbol.prototype.left = 'secret'
globalThis[symbol] = Object.prototype[symbol] = 'secret'
return { jobStatus: 1, data: found }
