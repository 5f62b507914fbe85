import { isNumeric, isObject, type Json, stringifyExact } from './exact-json.ts'

/** A field that templates can name. */
export interface MergeField {
  /** As it stands in a template: `order.items[0].sku`. */
  path: string
  /** What the field prints, cut where it is long. */
  example: string
  kind: 'text' | 'number' | 'boolean' | 'null' | 'list'
}

const FIELDS_MAX = 500
const DEPTH_MAX = 20
const EXAMPLE_CHARS_MAX = 100
/** A longer key is hardly a field, and its path would be no help. */
const KEY_CHARS_MAX = 200
/** Longer lists are not printed, because cutting them would still write them whole. */
const LIST_EXAMPLE_MAX = 20

/**
 * The fields that a template finds in a payload or an item, in its order: every scalar, and every list, of whose
 * elements the first stands for all. At most 500, 20 levels deep. Keys that no template can write are left out.
 */
export function mergeFieldsOf(json: Json): MergeField[] {
  const fields: MergeField[] = []
  // A template sees nothing of a payload that is not an object.
  if (isObject(json)) collect(json, '', 1, fields)
  return fields
}

function collect(value: Json, path: string, depth: number, fields: MergeField[]): void {
  if (fields.length >= FIELDS_MAX || depth > DEPTH_MAX) return
  if (isObject(value)) {
    for (const key of Object.keys(value)) {
      const step = stepOf(key, path === '')
      if (step !== undefined) collect(value[key] ?? null, path + step, depth + 1, fields)
    }
    return
  }
  fields.push({ path, example: exampleOf(value), kind: kindOf(value) })
  if (Array.isArray(value) && value[0] !== undefined) collect(value[0], `${path}[0]`, depth + 1, fields)
}

/** Words that Liquid reads as values and operators, so that no field of the first level can be named by them. */
const WORDS = new Set(['true', 'false', 'nil', 'null', 'empty', 'blank', 'and', 'or', 'not', 'contains'])

/** Undefined for a key that Liquid has no way to write. */
function stepOf(key: string, first: boolean): string | undefined {
  if (key.length > KEY_CHARS_MAX || key === '__proto__') return undefined
  if (/^[A-Za-z_][\w-]*$/.test(key) && !(first && WORDS.has(key))) return first ? key : `.${key}`
  return /["\\\u0000-\u001f\u007f{}%]/.test(key) ? undefined : `["${key}"]`
}

function kindOf(value: Json): MergeField['kind'] {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (isNumeric(value)) return 'number'
  return typeof value === 'boolean' ? 'boolean' : 'text'
}

function exampleOf(value: Json): string {
  if (value === null) return ''
  if (Array.isArray(value) && (value.length > LIST_EXAMPLE_MAX || value.some((element) => isNested(element))))
    return `${value.length} elements`
  const text = Array.isArray(value) ? stringifyExact(value) : String(value)
  return text.length > EXAMPLE_CHARS_MAX ? `${text.slice(0, EXAMPLE_CHARS_MAX).toWellFormed()}…` : text
}

function isNested(value: Json): boolean {
  return Array.isArray(value) || isObject(value)
}
