import { isUtf8 } from 'node:buffer'
import { isObject, type Json, type JsonObject, parseExact } from './exact-json.ts'
import { textOf } from './redact-fields.ts'
import { writtenBytes, writtenForms } from './written-forms.ts'

/** A text of somebody, that is looked for in whatever is kept. */
export interface SoughtText {
  /** In lower case, as it may stand in text of any form. */
  forms: string[]
  /** As it may stand in a body, in hex. */
  bytes: string[]
  isIn(text: string): boolean
  /** In its values and the names of its fields. */
  isInJson(text: string): boolean
  isInBytes(bytes: Buffer): boolean
}

/** @param partsOfWords also where it is only a part of a longer word, number or e-mail address */
export function seek(text: string, partsOfWords: boolean): SoughtText {
  const cases = [...new Set([text, text.toLowerCase(), text.toUpperCase()])]
  const written = [...new Set(cases.flatMap(writtenForms))]
  const pattern = patternOf(written, partsOfWords)
  const isIn = (given: string) => pattern.test(given)
  return {
    forms: [...new Set(written.map((form) => form.toLowerCase()))],
    bytes: [...new Set(written.flatMap(writtenBytes).map((bytes) => bytes.toString('hex')))],
    isIn,
    isInJson: (given) => isInJson(parseExact(given), isIn),
    isInBytes: (given) => textsOf(given).some(isIn),
  }
}

const WORD = '\\p{L}\\p{N}'
/** The end of an escape belongs to no word: `\\n`, `\\u000a`, `%3D`. */
const AFTER_ESCAPE = '(?<=\\\\[bfnrt])|(?<=\\\\u[0-9a-f]{4})|(?<=%[0-9a-f]{2})'

/** An address has signs before its `@` and dots behind it that no other word has. */
function patternOf(written: readonly string[], partsOfWords: boolean): RegExp {
  const sought = written
    .toSorted((left, right) => right.length - left.length)
    .map((form) => form.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    .join('|')
  if (partsOfWords) return new RegExp(sought, 'iu')
  const isAddress = written.some((form) => form.includes('@'))
  const boundary = isAddress ? `(?<![${WORD}._%+\\-])` : `(?<![${WORD}])`
  const before = `(?:${boundary}|${AFTER_ESCAPE})`
  const after = isAddress ? `(?![${WORD}\\-]|\\.[${WORD}])` : `(?![${WORD}])`
  return new RegExp(`${before}(?:${sought})${after}`, 'iu')
}

function isInJson(value: Json, isIn: (text: string) => boolean): boolean {
  if (Array.isArray(value)) return value.some((element) => isInJson(element, isIn))
  if (isObject(value))
    return Object.entries(value as JsonObject).some(([key, held]) => isIn(key) || isInJson(held, isIn))
  return value !== null && isIn(textOf(value))
}

/** As every charset reads them, for one that is not known; a NUL has a place in none but UTF-16. */
function textsOf(bytes: Buffer): string[] {
  if (!bytes.includes(0)) return [isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('latin1')]
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2))
  return [even.toString('utf16le'), Buffer.from(even).swap16().toString('utf16le'), bytes.toString('latin1')]
}
