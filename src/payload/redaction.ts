import { isUtf8 } from 'node:buffer'
import { isObject, type Json, type JsonObject, setKey } from './exact-json.ts'
import { fold } from './letter-cases.ts'
import { type HiddenTexts, MASK, textOf } from './redact-fields.ts'
import { escapedBefore } from './written-forms.ts'
import { finderOf, type Place, replaceAt } from './written-places.ts'

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
  const finder = finderOf(hidden.filter((text) => text.length >= WORD_CHARS_MIN))
  const replace = (text: string) => {
    const places = finder.placesIn(text, standsThere)
    return places ? replaceAt(text, places, MASK) : MASK
  }
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

function standsThere({ from, to, text }: Place, folded: string): boolean {
  if (text.length >= INSIDE_CHARS_MIN) return true
  if (WORD.test(folded.charAt(to))) return false
  return !WORD.test(escapedBefore(folded, from) ?? folded.charAt(from - 1))
}

const WORD = /[\p{L}\p{N}]/u
