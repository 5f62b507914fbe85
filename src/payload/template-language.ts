import { type FilterImplOptions, filters, Tokenizer } from 'liquidjs'
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
 * have been rounded.
 */
export function exactOnly(name: string, filter: FilterFunction): FilterFunction {
  return function* guarded(this: ThisParameterType<FilterFunction>, ...given: Parameters<FilterFunction>) {
    const [list, property] = given
    const counted = name === 'sum' && property ? [yield* map.call(this, list, property)] : given
    for (const value of counted.flat(1)) {
      if (losesDigits(value)) throw new Error(`the filter ${name} cannot count with ${String(value)} exactly`)
    }
    const result: unknown = yield filter.apply(this, counted as Parameters<FilterFunction>)
    if (typeof result === 'number' && !(Math.abs(result) <= Number.MAX_SAFE_INTEGER))
      throw new Error(`the filter ${name} gives ${result}, which is ${wrongWith(result)}`)
    return result
  }
}

function losesDigits(value: unknown): boolean {
  if (typeof value === 'bigint' || value instanceof NumberText) return true
  return typeof value === 'string' && typeof (readExact(value) ?? 0) !== 'number'
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
  if (content instanceof NumberText) throw new Error(`the number ${content.text} is too long to be exact`)
  return Object.assign(token, { content })
}
