import { atob, btoa } from './globals.ts'
import { readJson } from './read-json.ts'

/** A function that stands in expressions in place of JSONata's own of that name. */
interface ExpressionFunction {
  readonly name: string
  /** Of what, in JSONata's notation; `-` takes the context where no argument is given. */
  readonly signature: string
  apply(value: unknown): unknown
}

export const EXPRESSION_FUNCTIONS: readonly ExpressionFunction[] = [
  { name: 'number', signature: '<(nsbo)-:n>', apply: exactNumber },
  { name: 'type', signature: '<x:s>', apply: typeOf },
  // JSONata's own need a `Buffer` or a `window`. Theirs, too, write a character as one byte.
  { name: 'base64encode', signature: '<s-:s>', apply: ifThere(btoa) },
  { name: 'base64decode', signature: '<s-:s>', apply: ifThere(atob) },
]

/** What is absent is no fault in JSONata. */
function ifThere(apply: (value: unknown) => unknown): (value: unknown) => unknown {
  return (value) => (value === undefined ? undefined : apply(value))
}

/** JSONata's own reads every text as a double, and so rounds an id that XML or a form can only write as text. */
function exactNumber(value: unknown): unknown {
  if (isNumber(value) || value === undefined) return value
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'string') {
    if (/^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/.test(value))
      return readJson(value.replace(/^(-?)0+(?=[0-9])/, '$1'), (digits) => JSON.rawJSON(digits)).value
    if (/^0(?:[xX][0-9A-Fa-f]+|[oO][0-7]+|[bB][01]+)$/.test(value)) return integer(BigInt(value))
  }
  throw { code: 'D3030', value, index: 1 }
}

/** JSONata's own calls an object what it has never heard of. */
function typeOf(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (value === null) return 'null'
  if (isNumber(value)) return 'number'
  if (Array.isArray(value)) return 'array'
  return isFunction(value) ? 'function' : typeof value
}

function isFunction(value: unknown): boolean {
  const marks = value as { _jsonata_lambda?: unknown; _jsonata_function?: unknown }
  return marks._jsonata_lambda === true || marks._jsonata_function === true
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || JSON.isRawJSON(value)
}

function integer(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}
