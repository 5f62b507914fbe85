/**
 * Bodies as source systems write them. The same value has other bytes from PHP than from Ruby, and a signature is
 * over the bytes: a receiver that parses and writes again before it checks is found out only by such bodies.
 */
import { isObject, type Json, NumberText, stringifyExact } from '../payload/exact-json.ts'

export const JSON_TYPE = 'application/json'
export const FORM_TYPE = 'application/x-www-form-urlencoded'

export function compactJson(value: Json): string {
  return stringifyExact(value)
}

/** On lines of their own, as Stripe writes. */
export function prettyJson(value: Json): string {
  return stringifyExact(value, 2)
}

/** As `json_encode` of PHP: `\/`, and everything beyond ASCII as `\u` with lower-case digits. */
export function phpJson(value: Json): string {
  return stringifyExact(value)
    .replaceAll('/', '\\/')
    .replace(/[^\0-\x7f]/g, escaped)
}

/** As Ruby on Rails: what could end a script element is escaped. */
export function railsJson(value: Json): string {
  return stringifyExact(value).replace(/[<>&\u2028\u2029]/g, escaped)
}

/** The fields of an object as a form. */
export function form(value: Json): string {
  const fields = new URLSearchParams()
  for (const [name, field] of Object.entries(isObject(value) ? value : {})) fields.set(name, fieldText(field))
  return fields.toString()
}

/** Without the `u` flag a pair of surrogates is two characters, and so two escapes. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function fieldText(value: Json): string {
  if (typeof value === 'string') return value
  if (value instanceof NumberText) return value.text
  return stringifyExact(value)
}
