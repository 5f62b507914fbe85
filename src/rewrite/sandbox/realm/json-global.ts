import { apply } from './primordials.ts'
import { readJson } from './read-json.ts'

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown
type Replacer = (this: unknown, key: string, value: unknown) => unknown

/**
 * Makes `JSON` keep long integers both ways. `JSON.parse(JSON.stringify(order))` is how many a function copies
 * an order, and must neither throw at an 18-digit id nor round it.
 */
export function installJson(target: JSON): void {
  const pristineStringify = target.stringify
  define(target, 'parse', function parse(text: unknown, reviver?: unknown) {
    if (typeof reviver !== 'function') return readJson(`${text}`, (digits) => digits).value
    return JSON.parse(`${text}`, exactReviver(reviver as Reviver))
  })
  define(
    target,
    'stringify',
    function stringify(value: unknown, replacer?: unknown, space?: string | number) {
      const chosen = typeof replacer === 'function' ? bigintReplacer(replacer as Replacer) : replacer
      return apply(pristineStringify, target, [value, chosen, space] as Parameters<JSON['stringify']>)
    },
  )
  define(BigInt.prototype, 'toJSON', function toJSON(this: bigint) {
    return JSON.rawJSON(`${this}`)
  })
}

function exactReviver(reviver: Reviver): Reviver {
  return function exact(key, value, context) {
    const isNumber = typeof value === 'number' && context.source !== undefined
    const held = isNumber ? readJson(context.source as string, (digits) => digits).value : value
    return apply(reviver, this, [key, held, context])
  }
}

/** A replacer is shown the bigint, not what our `toJSON` made of it, and may return one. */
function bigintReplacer(replacer: Replacer): Replacer {
  return function shown(key, value) {
    const original = (this as Record<string, unknown>)[key]
    const result = apply(replacer, this, [key, typeof original === 'bigint' ? original : value]) as unknown
    return typeof result === 'bigint' ? JSON.rawJSON(`${result}`) : result
  }
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true })
}
