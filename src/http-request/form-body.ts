import { getKey, isObject, type Json } from '../payload/exact-json.ts'

/**
 * Writes an object as `application/x-www-form-urlencoded`.
 *
 * Numbers keep their digits, `true` and `false` are written as such, null is an empty value. Nested objects and
 * lists take PHP's brackets: `{"a":{"b":[1,2]}}` is `a[b][0]=1&a[b][1]=2`. An empty object or list leaves nothing.
 *
 * @returns undefined when the value is not an object: a form has names at its top.
 */
export function writeForm(value: Json): string | undefined {
  if (!isObject(value)) return undefined
  const fields = new URLSearchParams()
  addFields(fields, '', value)
  return fields.toString()
}

function addFields(fields: URLSearchParams, name: string, value: Json): void {
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) addFields(fields, `${name}[${at}]`, item)
  } else if (isObject(value)) {
    for (const key of Object.keys(value))
      addFields(fields, name === '' ? key : `${name}[${key}]`, getKey(value, key) ?? null)
  } else {
    fields.append(name, value === null ? '' : String(value))
  }
}
