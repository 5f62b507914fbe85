import { type FilterImplOptions, filters, Tokenizer } from 'liquidjs'
import { toDecimal } from './decimal.ts'
import { type Json, NumberText, parseExact } from './exact-json.ts'

/**
 * Liquid tags that templates may use. Tags that read other templates are out, and so are those that write what no
 * field wrote (`capture` would escape twice, `cycle` and counters add text of their own).
 */
export const TAGS: ReadonlySet<string> = new Set([
  'assign',
  'break',
  'case',
  'comment',
  'continue',
  'for',
  'if',
  'raw',
  'unless',
  '#',
])

export const MATH_FILTERS = [
  'abs',
  'at_least',
  'at_most',
  'ceil',
  'divided_by',
  'floor',
  'minus',
  'modulo',
  'plus',
  'round',
  'sum',
  'times',
] as const

/**
 * Filters that templates may use: those that take time linear in their input, evaluate nothing that comes from the
 * payload, and do not switch off the escaping of the field (`raw`).
 */
export const FILTERS: ReadonlySet<string> = new Set([
  ...MATH_FILTERS,
  'append',
  'base64_decode',
  'base64_encode',
  'capitalize',
  'compact',
  'concat',
  'date',
  'date_to_xmlschema',
  'default',
  'downcase',
  'first',
  'join',
  'last',
  'lstrip',
  'map',
  'prepend',
  'remove',
  'remove_first',
  'remove_last',
  'replace',
  'replace_first',
  'replace_last',
  'reverse',
  'rstrip',
  'size',
  'slice',
  'sort',
  'sort_natural',
  'split',
  'strip',
  'strip_newlines',
  'truncate',
  'uniq',
  'upcase',
  'url_decode',
  'url_encode',
])

type FilterFunction = Extract<FilterImplOptions, (...args: never[]) => unknown>

/** How `sum` finds the property that it is to sum. */
const map = filters.map as FilterFunction

/**
 * A filter that counts in doubles, made to refuse numbers that a double would round, and results that are none or may
 * have been rounded. Those that round themselves take a decimal of more digits, unless their result has too many.
 */
export function exactOnly(name: string, filter: FilterFunction): FilterFunction {
  return function* guarded(this: ThisParameterType<FilterFunction>, ...given: Parameters<FilterFunction>) {
    const [operand, argument] = given
    const rounded = roundedExactly(name, operand, argument)
    const counted = name === 'sum' && argument ? [yield* map.call(this, operand, argument)] : given
    if (rounded === undefined) refuseLosses(name, counted)
    const result: unknown = rounded ?? (yield filter.apply(this, counted as Parameters<FilterFunction>))
    if (typeof result === 'number' && !(Math.abs(result) <= Number.MAX_SAFE_INTEGER))
      throw new Error(`the filter ${name} gives ${result}, which is ${wrongWith(result)}`)
    return result
  }
}

function refuseLosses(name: string, counted: readonly unknown[]): void {
  for (const value of counted.flat(1)) {
    if (losesDigits(value)) throw new Error(`the filter ${name} cannot count with ${shown(value)} exactly`)
  }
}

/** Longer numbers are refused unread: a payload may be all digits, and patterns have a stack to fill. */
const NUMBER_CHARS_MAX = 10_000

function losesDigits(value: unknown): boolean {
  if (typeof value === 'bigint' || value instanceof NumberText) return true
  if (typeof value !== 'string') return false
  const text = value.trim()
  // A long text that is no number counts as 0, as a short one does.
  if (text.length > NUMBER_CHARS_MAX) return !Number.isNaN(Number(text))
  return typeof (readExact(text) ?? 0) !== 'number'
}

/** No decimal of more digits is one that a double is written as. */
const DOUBLE_DIGITS_MAX = 17

/**
 * What `round`, `floor` and `ceil` make of a decimal of more digits than a double has, by its digits: as a double
 * 2.99999999999999999 would be 3 before `floor` sees it. Undefined for what is no such decimal, and where the result
 * would lose digits itself.
 */
function roundedExactly(name: string, operand: unknown, argument: unknown): number | undefined {
  if (name !== 'round' && name !== 'floor' && name !== 'ceil') return undefined
  const number = longDecimal(operand)
  const decimal = number && toDecimal(number)
  const places = name === 'round' ? Number(argument ?? 0) || 0 : 0
  if (!decimal || !Number.isSafeInteger(places)) return undefined
  const { sign, digits, exponent } = decimal
  const kept = exponent + places
  if (kept > DOUBLE_DIGITS_MAX) return undefined
  const head = BigInt(digits.slice(0, Math.max(kept, 0)).padEnd(kept, '0'))
  const isCut = digits.length > kept
  const awayFromZero = {
    // A half goes away from zero, as with Liquid.
    round: kept >= 0 && digits.charAt(kept) >= '5',
    floor: isCut && sign < 0,
    ceil: isCut && sign > 0,
  }[name]
  const result = parseExact(`${sign < 0 ? '-' : ''}${awayFromZero ? head + 1n : head}e${-places}`)
  return typeof result === 'number' ? result : undefined
}

function longDecimal(value: unknown): NumberText | undefined {
  const read = typeof value === 'string' && value.length <= NUMBER_CHARS_MAX ? readExact(value) : value
  return read instanceof NumberText && read.text.length <= NUMBER_CHARS_MAX ? read : undefined
}

const SHOWN_CHARS_MAX = 50

/** A number as a message may repeat it. */
function shown(value: unknown): string {
  const text = String(value)
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text
}

function wrongWith(result: number): string {
  return Number.isFinite(result) ? 'too large to be exact' : 'no number'
}

/** Reads what Liquid takes for a number more generously than JSON does: `+1`, `007`, `.5`, `5.`, ` 5 `. */
function readExact(text: string): Json | undefined {
  const match = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eE][+-]?[0-9]+)?$/.exec(text.trim())
  if (!match) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = ''] = match
  if (`${whole}${fraction}` === '') return undefined
  const json = `${whole.replace(/^0+/, '') || '0'}${fraction === '' ? '' : `.${fraction}`}${exponent}`
  return parseExact(sign === '-' ? `-${json}` : json)
}

const readNumber = Tokenizer.prototype.readNumber

/** Liquid has no place where numbers of templates could be read otherwise than as doubles. */
Tokenizer.prototype.readNumber = function readExactNumber() {
  const token = readNumber.call(this)
  if (token === undefined) return token
  const content = readExact(token.getText())
  // Unlike a long integer it would equal nothing, not even itself.
  if (content instanceof NumberText) throw new Error(`the number ${shown(content)} is too long to be exact`)
  return Object.assign(token, { content })
}
