/**
 * JSON whose numbers survive the way through.
 *
 * `JSON.parse` rounds integers beyond 2^53 and turns `1e400` into Infinity (and then into null). Shop ids are
 * longer than that, so every payload is read and written here.
 */

/** A number that no double holds and that is no plain integer: `1e400`, a decimal of twenty digits. */
export class NumberText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }

  /** Makes `JSON.stringify` write the digits as they came. */
  toJSON(): unknown {
    return JSON.rawJSON(this.text)
  }
}

export type JsonScalar = null | boolean | number | bigint | string | NumberText
export type Json = JsonScalar | Json[] | JsonObject
export interface JsonObject {
  [key: string]: Json
}

/** True for text that may hold a number which a double would change; cheap, and allowed to be wrong that way round. */
const MAY_LOSE_DIGITS = /[0-9][0-9.]{15}|[eE][+-]?[0-9]{3}/

/**
 * Reads JSON text exactly: safe integers and doubles as `number`, longer plain integers as `bigint` (up to 4,096 digits), any other
 * number that a double would change as {@link NumberText}. Of repeated keys the last wins, as in `JSON.parse`.
 *
 * @throws SyntaxError with V8's message (it names the position) when the text is not JSON.
 */
export function parseExact(text: string): Json {
  if (!MAY_LOSE_DIGITS.test(text)) return JSON.parse(text) as Json
  return JSON.parse(text, (_key, value: unknown, context: { source?: string }) =>
    typeof value === 'number' && context.source !== undefined ? exactNumber(value, context.source) : value,
  ) as Json
}

/** Writes what {@link parseExact} read; digits come out as they went in. */
export function stringifyExact(value: Json, indent?: number): string {
  try {
    return JSON.stringify(value, undefined, indent)
  } catch (error) {
    // The replacer costs several times the plain call, so only values that need it pay for it.
    if (!(error instanceof TypeError)) throw error
    return JSON.stringify(
      value,
      (_key, item) => (typeof item === 'bigint' ? JSON.rawJSON(String(item)) : item),
      indent,
    )
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)
  )
}

/** True for the three forms that a JSON number takes in memory. */
export function isNumeric(value: Json | undefined): value is number | bigint | NumberText {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof NumberText
}

/**
 * Sets a key as data. Plain assignment would call the setter behind `__proto__` and so lose the value.
 */
export function setKey(target: JsonObject, key: string, value: Json): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    target[key] = value
  }
}

/** The own value of a key; inherited names such as `toString` are absent. */
export function getKey(target: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(target, key) ? target[key] : undefined
}

/** Longer ones stay text: reading digits into a bigint is worse than linear, and a body may be all digits. */
const BIGINT_DIGITS_MAX = 4_096
/** No double is written with more; a longer notation is kept as it came, which is exact whatever its value. */
const DOUBLE_CHARS_MAX = 400

function exactNumber(value: number, source: string): number | bigint | NumberText {
  if (isPlainInteger(source)) {
    if (Number.isSafeInteger(value)) return value
    return source.length > BIGINT_DIGITS_MAX ? new NumberText(source) : BigInt(source)
  }
  if (source.length > DOUBLE_CHARS_MAX) return new NumberText(source)
  return sameDecimal(source, String(value)) ? value : new NumberText(source)
}

function isPlainInteger(source: string): boolean {
  return /^-?[0-9]+$/.test(source)
}

/** Compares two decimal notations by value: `1.10` and `1.1` are the same, `1e400` and `Infinity` are not. */
function sameDecimal(left: string, right: string): boolean {
  const a = decimalParts(left)
  const b = decimalParts(right)
  return a !== undefined && b !== undefined && a.digits === b.digits && a.exponent === b.exponent
}

function decimalParts(source: string): { digits: string; exponent: bigint } | undefined {
  const match = /^-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(source)
  if (!match) return undefined
  const [, whole = '', fraction = '', exponent = '0'] = match
  const significant = `${whole}${fraction}`.replace(/^0+/, '')
  // A loop, because a pattern that looks for trailing zeros tries again at each of them.
  let end = significant.length
  while (significant.charCodeAt(end - 1) === 0x30) end--
  const digits = significant.slice(0, end)
  if (digits === '') return { digits: '', exponent: 0n }
  // An exponent that itself has thousands of digits would make BigInt slow; no double has one either.
  if (exponent.length > 20) return undefined
  return {
    digits,
    exponent: BigInt(exponent) - BigInt(fraction.length) + BigInt(significant.length - digits.length),
  }
}
