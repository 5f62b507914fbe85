/**
 * Decimal arithmetic that never rounds unless told to: a value is `digits / 10^scale`, with `digits` a bigint.
 */
import { isNumeric, type Json, parseExact } from '../../payload/exact-json.ts'

export interface Decimal {
  readonly digits: bigint
  /** Digits after the point; never negative. */
  readonly scale: number
}

export const roundingModes = ['halfUp', 'halfDown', 'halfEven', 'up', 'down', 'ceil', 'floor'] as const
export type RoundingMode = (typeof roundingModes)[number]

/** Keeps one number from costing noticeable time: reading and writing digits is worse than linear. */
export const NUMBER_DIGITS_MAX = 10_000
/** Above any double's exponent, and small enough that `1e400` may be written out in digits. */
const EXPONENT_MAX = 400

/** Reads decimal notation with optional sign, point and exponent; undefined for anything else or too long. */
export function parseDecimal(text: string): Decimal | undefined {
  if (text.length > NUMBER_DIGITS_MAX) return undefined
  const match = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,4}))?$/.exec(text)
  if (!match) return undefined
  const [, sign, whole = '', fraction = '', exponentText = '0'] = match
  const exponent = Number(exponentText)
  if (`${whole}${fraction}` === '' || Math.abs(exponent) > EXPONENT_MAX) return undefined
  const digits = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n)
  const scale = fraction.length - exponent
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 }
}

/** The decimal behind a JSON number of any of its three forms. */
export function numericDecimal(value: Json): Decimal | undefined {
  if (!isNumeric(value)) return undefined
  return typeof value === 'bigint' ? { digits: value, scale: 0 } : parseDecimal(String(value))
}

/** The JSON number: a double when one holds it exactly, else a longer form. */
export function decimalNumber(decimal: Decimal): Json {
  return decimal.scale === 0 && !Number.isSafeInteger(Number(decimal.digits))
    ? decimal.digits
    : parseExact(decimalText(decimal))
}

/** Plain digits without exponent and without needless zeros. */
export function decimalText(decimal: Decimal): string {
  const { whole, fraction } = parts(decimal)
  // A loop, because a pattern that looks for trailing zeros tries again at each of them.
  let end = fraction.length
  while (end > 0 && fraction[end - 1] === '0') end -= 1
  const text = end === 0 ? whole : `${whole}.${fraction.slice(0, end)}`
  return decimal.digits < 0n ? `-${text}` : text
}

/** Plain digits with as many decimals as the scale says. */
export function fixedText(decimal: Decimal): string {
  const { whole, fraction } = parts(decimal)
  const text = fraction === '' ? whole : `${whole}.${fraction}`
  return decimal.digits < 0n ? `-${text}` : text
}

/** The same value with exactly `scale` decimals; rounds only where digits are lost. */
export function withScale(decimal: Decimal, scale: number, mode: RoundingMode): Decimal {
  if (decimal.scale <= scale) {
    return { digits: decimal.digits * 10n ** BigInt(scale - decimal.scale), scale }
  }
  const divisor = 10n ** BigInt(decimal.scale - scale)
  const kept = decimal.digits / divisor
  const lost = decimal.digits % divisor
  if (lost === 0n || !goesAway(kept, lost, divisor, mode)) return { digits: kept, scale }
  return { digits: kept + (lost < 0n ? -1n : 1n), scale }
}

/** True when the value has no digits beyond `scale` decimals. */
export function fitsScale(decimal: Decimal, scale: number): boolean {
  return decimal.scale <= scale || decimal.digits % 10n ** BigInt(decimal.scale - scale) === 0n
}

/** Moves the point: `by` places to the right, or to the left when negative. */
export function shiftPoint(decimal: Decimal, by: number): Decimal {
  const scale = decimal.scale - by
  return scale >= 0
    ? { digits: decimal.digits, scale }
    : { digits: decimal.digits * 10n ** BigInt(-scale), scale: 0 }
}

export function addDecimals(left: Decimal, right: Decimal): Decimal {
  const scale = Math.max(left.scale, right.scale)
  const digits = withScale(left, scale, 'down').digits + withScale(right, scale, 'down').digits
  return { digits, scale }
}

export function multiplyDecimals(left: Decimal, right: Decimal): Decimal {
  return { digits: left.digits * right.digits, scale: left.scale + right.scale }
}

function parts({ digits, scale }: Decimal): { whole: string; fraction: string } {
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0')
  return { whole: text.slice(0, text.length - scale), fraction: text.slice(text.length - scale) }
}

/** Whether the kept digits move one step away from zero. */
function goesAway(kept: bigint, lost: bigint, divisor: bigint, mode: RoundingMode): boolean {
  const negative = lost < 0n
  const twice = (negative ? -lost : lost) * 2n
  switch (mode) {
    case 'up':
      return true
    case 'down':
      return false
    case 'ceil':
      return !negative
    case 'floor':
      return negative
    case 'halfUp':
      return twice >= divisor
    case 'halfDown':
      return twice > divisor
    case 'halfEven':
      return twice > divisor || (twice === divisor && kept % 2n !== 0n)
  }
}
