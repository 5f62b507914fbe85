import { isUtf8 } from 'node:buffer'
import { isObject, type Json, type JsonObject, setKey } from './exact-json.ts'
import { type HiddenTexts, MASK, textOf } from './redact-fields.ts'
import { writtenForms } from './written-forms.ts'

/** Takes what must not be shown out of whatever is shown. */
export interface Redaction {
  /** Wherever it stands in a text, in either case and as JSON, XML, URLs and forms write it. */
  text(given: string): string
  /** In the values of data, and in the names of its fields. */
  json(given: Json): Json
  /** In bytes that are text; bytes of an unknown charset are not shown at all. */
  bytes(given: Buffer): Buffer
}

/** Where nothing is hidden. */
export const SHOWN: Redaction = { text: (given) => given, json: (given) => given, bytes: (given) => given }

const NOTHING_SHOWN: Redaction = {
  text: (given) => (given === '' ? given : MASK),
  json: (given) => (given === null ? given : MASK),
  bytes: (given) => (given.length === 0 ? given : Buffer.from(MASK)),
}

/** Shorter texts occur inside of words by chance, and are looked for as words of their own. */
const INSIDE_CHARS_MIN = 6
/** Shorter ones are only found where they are a value by themselves. */
const WORD_CHARS_MIN = 2

export function redactionOf(hidden: HiddenTexts): Redaction {
  if (hidden === 'everything') return NOTHING_SHOWN
  const values = new Set(hidden.map(fold))
  if (values.size === 0) return SHOWN
  const replace = replacerOf(
    [...new Set(hidden.flatMap(writtenForms))].filter((form) => form.length >= WORD_CHARS_MIN),
  )
  const redaction: Redaction = {
    text: replace,
    json(given) {
      if (Array.isArray(given)) return given.map(redaction.json)
      if (isObject(given)) {
        const shown: JsonObject = {}
        for (const [key, held] of Object.entries(given))
          setKey(shown, key.length < INSIDE_CHARS_MIN ? key : replace(key), redaction.json(held))
        return shown
      }
      if (given === null || typeof given === 'boolean') return given
      const text = textOf(given)
      if (values.has(fold(text.trim()))) return MASK
      return typeof given === 'string' ? replace(given) : given
    },
    bytes(given) {
      const text = isUtf8(given) ? given.toString('utf8') : given.toString('latin1')
      if (text.includes('\0')) return Buffer.from(MASK)
      const shown = replace(text)
      return shown === text ? given : Buffer.from(shown)
    },
  }
  return redaction
}

/**
 * Lower case that is as long as the text, whatever stands around a letter: places in the one are places in the other.
 * The dotted capital I is the only letter that becomes longer, and the sigma the only one that looks at its neighbours
 * (SpecialCasing.txt of Unicode).
 */
function fold(text: string): string {
  return text.replaceAll('İ', 'i').toLowerCase().replaceAll('ς', 'σ')
}

/** Steps that may be taken for each character of a text, and for any text at all. */
const STEPS_PER_CHAR = 4
const STEPS_MIN = 500_000

/**
 * Replaces the longest form at each place. Whoever chooses both the forms and the text could make that slow: past a
 * bound nothing of the text is shown.
 */
function replacerOf(forms: string[]): (text: string) => string {
  const sorted = [...new Set(forms.map(fold))].toSorted()
  const begins = new Set(sorted.map((form) => form.charCodeAt(0)))
  return (text) => {
    const folded = fold(text)
    const shown: string[] = []
    let steps = STEPS_MIN + text.length * STEPS_PER_CHAR
    let from = 0
    for (let at = 0; at < folded.length; at++) {
      if (!begins.has(folded.charCodeAt(at))) continue
      const { length, depth } = longestAt(sorted, folded, at)
      steps -= depth
      if (steps <= 0) return MASK
      if (length === 0) continue
      shown.push(text.slice(from, at), MASK)
      from = at + length
      at = from - 1
    }
    return from === 0 ? text : shown.join('') + text.slice(from)
  }
}

/** Narrows the sorted forms down character by character. */
function longestAt(sorted: readonly string[], text: string, at: number): { length: number; depth: number } {
  let [low, high, length, depth] = [0, sorted.length, 0, 0]
  while (low < high && at + depth < text.length) {
    const code = text.charCodeAt(at + depth)
    low = firstAt(sorted, low, high, depth, code)
    high = firstAt(sorted, low, high, depth, code + 1)
    depth++
    const form = sorted[low]
    if (low >= high || form === undefined || form.length > depth) continue
    if (standsThere(text, at, form)) length = depth
    low++
  }
  return { length, depth }
}

/** The first of the forms, which are alike up to there, whose character at this place is not before the code. */
function firstAt(sorted: readonly string[], low: number, high: number, place: number, code: number): number {
  let [from, to] = [low, high]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((sorted[middle]?.charCodeAt(place) ?? 0) < code) from = middle + 1
    else to = middle
  }
  return from
}

function standsThere(text: string, at: number, form: string): boolean {
  if (form.length >= INSIDE_CHARS_MIN) return true
  return !isWordAt(text, at + form.length) && (!isWordAt(text, at - 1) || isEscape(text, at - 1))
}

function isWordAt(text: string, at: number): boolean {
  return /[\p{L}\p{N}]/u.test(text.charAt(at))
}

/** The letter of `\n` belongs to no word. */
function isEscape(text: string, at: number): boolean {
  return text.charAt(at - 1) === '\\' && /[bfnrt]/.test(text.charAt(at))
}
