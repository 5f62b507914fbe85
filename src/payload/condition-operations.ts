import { compareDecimals, toDecimal } from './decimal.ts'
import { getKey, isNumeric, isObject, type Json } from './exact-json.ts'

/** The operations that ask one found value against the value of the condition. */
export type ValueOperation = 'equals' | 'in' | 'contains' | 'startsWith' | 'endsWith' | 'greater' | 'less'

export function testOperation(op: ValueOperation, found: Json, value: Json): boolean {
  switch (op) {
    case 'equals':
      return sameJson(found, value)
    case 'in':
      return Array.isArray(value) && value.some((one) => sameJson(found, one))
    case 'contains':
      return contains(found, value)
    case 'startsWith':
      return typeof found === 'string' && typeof value === 'string' && found.startsWith(value)
    case 'endsWith':
      return typeof found === 'string' && typeof value === 'string' && found.endsWith(value)
    case 'greater':
      return order(found, value) > 0
    case 'less':
      return order(found, value) < 0
  }
}

/** Equal as JSON, keys in any order; a number and a string that is written as that number are equal too. */
export function sameJson(left: Json, right: Json): boolean {
  if (left === right) return true
  if (isNumeric(left) || isNumeric(right)) return order(left, right) === 0
  if (Array.isArray(left))
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((one, at) => sameJson(one, right[at] ?? null))
    )
  if (!isObject(left) || !isObject(right)) return false
  const keys = Object.keys(left)
  if (keys.length !== Object.keys(right).length) return false
  return keys.every((key) => {
    const other = getKey(right, key)
    return other !== undefined && sameJson(left[key] ?? null, other)
  })
}

function contains(found: Json, value: Json): boolean {
  if (typeof found === 'string') return typeof value === 'string' && found.includes(value)
  return Array.isArray(found) && found.some((one) => sameJson(one, value))
}

/** NaN, which compares as false, when one of the two is no number. */
function order(left: Json, right: Json): number {
  const a = toDecimal(left)
  const b = a && toDecimal(right)
  return a && b ? compareDecimals(a, b) : Number.NaN
}
