/**
 * How text may be written in JSON, XML, forms and URLs. Writers differ in what they escape, so each character is looked
 * at by itself: whatever mixture of escapes a text is written in, it is known again. What is known here
 * `written-patterns.ts` has to know too.
 */
import { isUtf8 } from 'node:buffer'
import iconv from 'iconv-lite'
import { fold } from './letter-cases.ts'

/** What an escape stands for, and where it ends. */
export interface Reading {
  units: string
  end: number
}

/** With one of these an escape begins; a `+` is the space of a form. */
export const ESCAPES = '\\&%+'

/** JSON in JSON in JSON: each time there are twice as many backslashes, and one more. */
const BACKSLASHES_MAX = 8
/** `%2525C3` and `&amp;amp;#233;` were escaped three times. */
const AGAIN_MAX = 2

export const CONTROLS: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
export const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** As which escapes a place of a folded text may be read, if as any; it may also be just what it is. */
export function readingsAt(text: string, at: number): Reading[] {
  switch (text.charAt(at)) {
    case '\\':
      return afterBackslashes(text, at)
    case '&':
      return references(text, at + 1)
    case '%':
      return percents(text, at)
    case '+':
      return [{ units: ' ', end: at + 1 }]
    default:
      return []
  }
}

const LOW_HALF = /\\{1,8}u(d[c-f][0-9a-f]{2})/y

function afterBackslashes(text: string, at: number): Reading[] {
  let end = at
  while (end - at < BACKSLASHES_MAX && text.charAt(end) === '\\') end++
  const readings: Reading[] = []
  for (let run = 2; run <= end - at; run *= 2) readings.push({ units: '\\', end: at + run })
  const escaped = text.charAt(end)
  if (escaped === 'u') return readings.concat(unicode(text, end))
  const control = CONTROLS[escaped]
  if (control !== undefined) readings.push({ units: control, end: end + 1 })
  else if (isSign(escaped)) readings.push({ units: escaped, end: end + 1 })
  return readings
}

function unicode(text: string, at: number): Reading[] {
  const [high, low] = [byteAt(text, at + 1), byteAt(text, at + 3)]
  if (high < 0 || low < 0) return []
  const code = high * 0x100 + low
  const one = { units: foldedOf(code), end: at + 5 }
  if (code === AMPERSAND) return [one, ...references(text, one.end)]
  if (code >> 10 !== 0x36) return [one]
  // A letter of two units has a lower case that neither of them has.
  LOW_HALF.lastIndex = one.end
  const [whole = '', second = ''] = LOW_HALF.exec(text) ?? []
  if (whole === '') return [one]
  const pair = String.fromCharCode(code, Number.parseInt(second, 16))
  return [one, { units: fold(pair), end: one.end + whole.length }]
}

const AMPERSAND = 0x26

const foldedUnits = new Map<number, string>()

/** As {@link fold}, of one character; of those of one unit it is kept, as a text may be full of their escapes. */
function foldedOf(code: number): string {
  if (code > 0xffff) return fold(String.fromCodePoint(code))
  const known = foldedUnits.get(code)
  if (known !== undefined) return known
  const folded = fold(String.fromCharCode(code))
  foldedUnits.set(code, folded)
  return folded
}

/** The rest of an entity, or of a reference to a character. */
const REFERENCE = /(?:#0{0,8}(\d{1,7})|#x0{0,8}([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));/y

function references(text: string, at: number): Reading[] {
  const readings: Reading[] = []
  for (let again = 0, from = at; again <= AGAIN_MAX; again++, from += 4) {
    REFERENCE.lastIndex = from
    const [whole = '', decimal, hex, name = ''] = REFERENCE.exec(text) ?? []
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    const units = code <= 0x10ffff ? foldedOf(code) : ENTITIES[name]
    if (units !== undefined) readings.push({ units, end: from + whole.length })
    if (!text.startsWith('amp;', from)) break
  }
  return readings
}

function percents(text: string, at: number): Reading[] {
  const readings: Reading[] = []
  for (let again = 0; again <= AGAIN_MAX; again++) {
    const from = at + 1 + again * 2
    const byte = byteAt(text, from)
    if (byte < 0) break
    for (const units of unitsOfBytes()[byte] ?? []) readings.push({ units, end: from + 2 })
    const character = utf8At(text, from, byte, again)
    if (character) readings.push(character)
    if (byte !== PERCENT) break
  }
  return readings
}

const PERCENT = 0x25

/** Two digits of a folded text; -1 where they are none. */
function byteAt(text: string, at: number): number {
  const high = digitAt(text, at)
  const low = digitAt(text, at + 1)
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

function digitAt(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1
}

/** The least code of as many bytes: less is never written so. */
const LEAST_CODES = [0, 0, 0x80, 0x800, 0x10000]

/** The character that UTF-8 reads there, if it takes several bytes. By hand, as a form may be full of them. */
function utf8At(text: string, from: number, first: number, again: number): Reading | undefined {
  if (first < 0xc2 || first > 0xf4) return undefined
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  let code = first & (0x7f >> length)
  let end = from + 2
  for (let more = 1; more < length; more++) {
    const digits = end + 1 + again * 2
    const byte = text.charCodeAt(end) === PERCENT ? byteAt(text, digits) : -1
    if (byte >> 6 !== 0b10 || !text.startsWith(AGAIN[again] ?? '', end + 1)) return undefined
    code = (code << 6) | (byte & 0x3f)
    end = digits + 2
  }
  const isCharacter = code >= (LEAST_CODES[length] ?? 0) && code <= 0x10ffff && code >> 11 !== 0x1b
  return isCharacter ? { units: foldedOf(code), end } : undefined
}

const AGAIN = Array.from({ length: AGAIN_MAX + 1 }, (_, again) => '25'.repeat(again))

let knownUnits: string[][] | undefined

/** By the byte, what it is by itself in ASCII or in the charsets of single bytes, folded. */
function unitsOfBytes(): string[][] {
  knownUnits ??= Array.from({ length: 0x100 }, (_, byte) => {
    const charsets = byte < 0x80 ? ['latin1'] : SINGLE_BYTES
    return [...new Set(charsets.map((charset) => fold(iconv.decode(Buffer.of(byte), charset))))]
  })
  return knownUnits
}

/**
 * What may stand escaped before a place of a folded text: the character, where an escape ends there. The longest escape
 * counts: the last byte of a letter in UTF-8 is no character of its own.
 */
export function escapedBefore(text: string, at: number): string | undefined {
  for (let from = Math.max(0, at - ESCAPE_CHARS_MAX); from < at; from++) {
    const sign = text.charAt(from)
    if (sign === '+' || (sign === '&' && text.charAt(at - 1) !== ';')) continue
    const found = readingsAt(text, from).find(({ end }) => end === at)
    if (found) return found.units
  }
  return undefined
}

/** Of those that are met: four bytes of UTF-8, each as `%2525f0`. */
const ESCAPE_CHARS_MAX = 28

export const SINGLE_BYTES = ['windows-1252', 'iso-8859-1', 'iso-8859-15']

/** The texts that bytes may be, in the charsets that bodies come in; a NUL has a place in none but UTF-16. */
export function textsOf(bytes: Buffer): string[] {
  if (!bytes.includes(0))
    return isUtf8(bytes)
      ? [bytes.toString('utf8')]
      : SINGLE_BYTES.map((charset) => iconv.decode(bytes, charset, { stripBOM: false }))
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2))
  return [even.toString('utf16le'), Buffer.from(even).swap16().toString('utf16le'), bytes.toString('latin1')]
}

const SIGNS = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~')

/** What may stand behind a backslash for itself. */
export function isSign(character: string): boolean {
  return SIGNS.has(character)
}
