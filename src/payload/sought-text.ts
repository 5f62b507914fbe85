import { isObject, type Json, type JsonObject, parseExact } from './exact-json.ts'
import { textOf } from './redact-fields.ts'
import { escapedBefore, readingsAt, textsOf } from './written-forms.ts'
import { type BytesPatterns, bytesPatternsOf, patternOf } from './written-patterns.ts'
import { finderOf, type Place } from './written-places.ts'

/** A text of somebody, that is looked for in whatever is kept. */
export interface SoughtText {
  /** For PostgreSQL, as {@link patternOf} has it: of all that holds the text, and of some that does not. */
  pattern: string
  bytesPatterns: BytesPatterns
  isIn(text: string): boolean
  /** In its values and the names of its fields. */
  isInJson(text: string): boolean
  isInBytes(bytes: Buffer): boolean
}

/** The database takes long to read an expression for more, and so much leaves little to be looked at. */
const PATTERN_CHARS = 16

/** @param partsOfWords also where it is only a part of a longer word, number or e-mail address */
export function seek(text: string, partsOfWords: boolean): SoughtText {
  const beginning = Array.from(text).slice(0, PATTERN_CHARS).join('')
  const finder = finderOf([text])
  const isIn = (given: string) => {
    const places = finder.placesIn(given, partsOfWords ? undefined : isWord)
    return places === undefined || places.length > 0
  }
  return {
    pattern: patternOf(beginning, 'anything'),
    bytesPatterns: bytesPatternsOf(beginning),
    isIn,
    isInJson: (given) => isInJson(parseExact(given), isIn),
    isInBytes: (given) => textsOf(given).some(isIn),
  }
}

const WORD = /[\p{L}\p{N}]/u
/** An address has signs before its `@` and dots behind it that no other word has. */
const IN_ADDRESS = /[\p{L}\p{N}._%+-]/u
const BEHIND_ADDRESS = /^(?:[\p{L}\p{N}-]|\.[\p{L}\p{N}])/u
/** Whoever escapes the `@` escapes a `+` that is one, too: one that is left is a space. */
const FORM_ADDRESS = /%(?:25)*40/

/** Whether it is a word, number or e-mail address of its own; what is escaped counts as what it stands for. */
function isWord({ from, to, text }: Place, folded: string): boolean {
  const isAddress = text.includes('@')
  const escaped = escapedBefore(folded, from)
  const before = escaped ?? folded.charAt(from - 1)
  const isSpace = escaped === undefined && before === '+' && FORM_ADDRESS.test(folded.slice(from, to))
  if (!isSpace && (isAddress ? IN_ADDRESS : WORD).test(before)) return false
  const [first, end] = characterAt(folded, to)
  return isAddress ? !BEHIND_ADDRESS.test(first + characterAt(folded, end)[0]) : !WORD.test(first)
}

function characterAt(folded: string, at: number): [character: string, end: number] {
  const escaped = readingsAt(folded, at).at(-1)
  return escaped ? [escaped.units, escaped.end] : [folded.charAt(at), at + 1]
}

function isInJson(value: Json, isIn: (text: string) => boolean): boolean {
  if (Array.isArray(value)) return value.some((element) => isInJson(element, isIn))
  if (isObject(value))
    return Object.entries(value as JsonObject).some(([key, held]) => isIn(key) || isInJson(held, isIn))
  return value !== null && isIn(textOf(value))
}
