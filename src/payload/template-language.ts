import type { FilterImplOptions } from 'liquidjs'
import { NumberText } from './exact-json.ts'

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

/** A filter that counts in doubles, made to refuse numbers that a double would round. */
export function exactOnly(name: string, filter: FilterFunction): FilterFunction {
  return function guarded(this: ThisParameterType<FilterFunction>, ...given: Parameters<FilterFunction>) {
    for (const value of given.flat(1)) {
      if (losesDigits(value)) throw new Error(`the filter ${name} cannot count with ${String(value)} exactly`)
    }
    return filter.apply(this, given)
  }
}

function losesDigits(value: unknown): boolean {
  if (typeof value === 'bigint' || value instanceof NumberText) return true
  return typeof value === 'string' && /^-?[0-9]{16,}$/.test(value) && String(Number(value)) !== value
}
