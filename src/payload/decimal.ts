import { type Json, NumberText } from './exact-json.ts'

/** A number by its digits: `sign * 0.digits * 10^exponent`, digits without zeros at either end; zero has none. */
export interface Decimal {
  readonly sign: -1 | 0 | 1
  readonly digits: string
  readonly exponent: number
}

/**
 * Reads a JSON number of any size, or a string that is written as one (`"12.50"`, but not `"0012"`, `"+1"` or `" 1"`,
 * which are codes rather than amounts). Gives undefined for everything else.
 */
export function toDecimal(value: Json): Decimal | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return parseDecimal(String(value))
  if (value instanceof NumberText) return parseDecimal(value.text)
  return typeof value === 'string' && value.length <= NUMERIC_CHARS_MAX ? parseDecimal(value) : undefined
}

/** Negative, zero or positive, as left is less than, equal to or greater than right; exact at any size. */
export function compareDecimals(left: Decimal, right: Decimal): number {
  if (left.sign !== right.sign) return left.sign - right.sign
  if (left.exponent !== right.exponent) return left.exponent > right.exponent ? left.sign : -left.sign
  if (left.digits === right.digits) return 0
  // Both begin behind the point, so the order of the texts is the order of the numbers.
  return left.digits > right.digits ? left.sign : -left.sign
}

const NUMERIC_CHARS_MAX = 10_000
const NUMBER = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,12}))?$/

function parseDecimal(text: string): Decimal | undefined {
  const match = NUMBER.exec(text)
  if (!match) return undefined
  const [, minus, whole = '', fraction = '', exponent = '0'] = match
  const written = whole + fraction
  const significant = written.replace(/^0+/, '')
  let end = significant.length
  while (significant.charCodeAt(end - 1) === 0x30) end--
  if (end === 0) return { sign: 0, digits: '', exponent: 0 }
  return {
    sign: minus ? -1 : 1,
    digits: significant.slice(0, end),
    exponent: Number(exponent) + whole.length - (written.length - significant.length),
  }
}
