import { isUtf8 } from 'node:buffer'
import iconv from 'iconv-lite'

/**
 * How text may be written in JSON, XML, forms and URLs. Writers differ in what they escape, so each character is looked
 * at by itself: whatever mixture of escapes a text is written in, it is known again. Both directions are here:
 * {@link readingsAt} says what may be written at a place, {@link patternOf} in what ways a text may be. What one of them
 * knows the other has to know too; a pattern may find more, never less.
 */

/** What an escape stands for, and where it ends. */
export interface Reading {
  units: string
  end: number
}

/**
 * One case that is as long as the text, whatever stands around a letter: places in the one are places in the other. The
 * dotted capital I is the only letter whose lower case is longer (SpecialCasing.txt of Unicode).
 */
export function fold(text: string): string {
  return text
    .replaceAll('İ', 'i')
    .toLowerCase()
    .replace(SMALL_VARIANTS, (letter) => letter.toUpperCase().toLowerCase())
}

/** Small letters whose capital is that of another one, as of the long s. */
const SMALL_VARIANTS = /[\u0345µıſςϐϑϕϖϰϱϵ\u1c80-\u1c88ẛ\u1fbe]/g

/** A text in small and in capital letters, folded: they differ where a letter has no capital, as that of Straße. */
export function casesOf(text: string): string[] {
  return [...new Set([text, text.toLowerCase(), text.toUpperCase()].map(fold))]
}

/** With one of these an escape begins; a `+` is the space of a form. */
export const ESCAPES = '\\&%+'

/** JSON in JSON in JSON: each time there are twice as many backslashes, and one more. */
const BACKSLASHES_MAX = 8
/** `%2525C3` and `&amp;amp;#233;` were escaped three times. */
const AGAIN_MAX = 2

const CONTROLS: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

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

const SINGLE_BYTES = ['windows-1252', 'iso-8859-1', 'iso-8859-15']
const BYTE_CHARSETS = ['utf-8', ...SINGLE_BYTES]

/** The texts that bytes may be, in the charsets that bodies come in; a NUL has a place in none but UTF-16. */
export function textsOf(bytes: Buffer): string[] {
  if (!bytes.includes(0))
    return isUtf8(bytes)
      ? [bytes.toString('utf8')]
      : SINGLE_BYTES.map((charset) => iconv.decode(bytes, charset, { stripBOM: false }))
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2))
  return [even.toString('utf16le'), Buffer.from(even).swap16().toString('utf16le'), bytes.toString('latin1')]
}

/** In what a text may be written: in JSON only, or in whatever {@link readingsAt} knows. */
export type Writing = 'json' | 'anything'

/**
 * A regular expression for PostgreSQL, to be compared with `~*` in the collation "C", where case is that of ASCII only:
 * other letters stand there in all of their cases.
 */
export function patternOf(text: string, writing: Writing): string {
  return anyOf(casesOf(text).map((cased) => writtenWith(storable, cased, writing)))
}

/** As {@link patternOf}, for bytes as PostgreSQL's `encode(…, 'escape')` shows them. */
export interface BytesPatterns {
  /** In every charset that has no NUL in ordinary text. */
  narrow: string
  /** In UTF-16. It takes ten times as long: only for what has a NUL. */
  wide: string
}

export function bytesPatternsOf(text: string): BytesPatterns {
  const pattern = (...writers: Write[]) =>
    anyOf(writers.flatMap((write) => casesOf(text).map((cased) => writtenWith(write, cased, 'anything'))))
  return {
    narrow: pattern(writerOf(BYTE_CHARSETS)),
    wide: pattern(writerOf(['utf-16le']), writerOf(['utf-16be'])),
  }
}

/** What an expression has for a character that stands there as it is; undefined where it cannot. */
type Write = (character: string) => string | undefined

const storable: Write = (character) =>
  character === '\0' || !character.isWellFormed() ? undefined : quoted(character)

function writerOf(charsets: readonly string[]): Write {
  return (character) => {
    const forms = bytesIn(charsets, character)
    return forms.length === 0 ? undefined : anyOf(forms.map((bytes) => bytes.map(shown).join('')))
  }
}

function shown(byte: number): string {
  if (byte === 0 || byte >= 0x80) return `\\\\${byte.toString(8).padStart(3, '0')}`
  return byte === 0x5c ? '\\\\\\\\' : quoted(String.fromCharCode(byte))
}

function writtenWith(write: Write, folded: string, writing: Writing): string {
  const all = (text: string) => Array.from(text, (character) => write(character) ?? '').join('')
  const many = (text: string) => `(?:${all(text)})*`
  const backslashes = `${all('\\')}${many('\\')}`
  const ampersand = `(?:${all('&')}|${backslashes}${all('u0026')})${many('amp;')}`
  /** Each part of one of the lists, between these. */
  const escaped = (before: string, lists: readonly string[][], after = '') =>
    lists.map((parts) => parts.map((part) => before + all(part) + after).join(''))

  const inJson = (character: string, cases: readonly string[]) => [
    ...cases.flatMap((one) => write(one) ?? []).map((plain) => (isSign(character) ? many('\\') : '') + plain),
    ...escaped(
      backslashes + all('u'),
      cases.map((one) => unitsOf(one).map((unit) => unit.toString(16).padStart(4, '0'))),
    ),
    ...escaped(backslashes, namesIn(CONTROLS, character)),
  ]
  const inXml = (character: string, cases: readonly string[]) => {
    const codes = cases.flatMap((one) => [[one.codePointAt(0) ?? 0], unitsOf(one)])
    const decimal = unique(codes.map((list) => list.map(String)))
    const hex = unique(codes.map((list) => list.map((code) => code.toString(16))))
    return [
      ...escaped(ampersand + all('#') + many('0'), decimal, all(';')),
      ...escaped(ampersand + all('#x') + many('0'), hex, all(';')),
      ...escaped(ampersand, namesIn(ENTITIES, character), all(';')),
    ]
  }
  const inForms = (character: string, cases: readonly string[]) => {
    const bytes = cases.flatMap((one) => bytesIn(BYTE_CHARSETS, one))
    const hex = bytes.map((list) => list.map((byte) => byte.toString(16).padStart(2, '0')))
    const percents = escaped(all('%') + many('25'), unique(hex))
    return character === ' ' ? [...percents, all('+')] : percents
  }
  return Array.from(folded, (character) => {
    const cases = [character, ...(capitals().get(character) ?? [])]
    const ways = inJson(character, cases)
    if (writing === 'anything') ways.push(...inXml(character, cases), ...inForms(character, cases))
    return anyOf(ways)
  }).join('')
}

/** The bytes of a character in each of these charsets that has it. */
function bytesIn(charsets: readonly string[], character: string): number[][] {
  return charsets.flatMap((charset) => {
    const bytes = iconv.encode(character, charset)
    // What a charset does not have is written as a question mark, and is another text.
    return iconv.decode(bytes, charset, { stripBOM: false }) === character ? [[...bytes]] : []
  })
}

let knownCapitals: Map<string, string[]> | undefined

/** By the folded character, every other one that is folded to it. */
function capitals(): Map<string, string[]> {
  if (knownCapitals) return knownCapitals
  knownCapitals = new Map()
  for (let code = 0; code < CASED_CODES_END; code++) {
    const character = String.fromCodePoint(code)
    const folded = fold(character)
    if (folded !== character) knownCapitals.set(folded, [...(knownCapitals.get(folded) ?? []), character])
  }
  return knownCapitals
}

/** Beyond it there are no letters that have cases. */
const CASED_CODES_END = 0x20000

function namesIn(names: Record<string, string>, character: string): string[][] {
  return Object.entries(names).flatMap(([name, named]) => (named === character ? [[name]] : []))
}

function unitsOf(text: string): number[] {
  return Array.from({ length: text.length }, (_, index) => text.charCodeAt(index))
}

function unique(lists: readonly string[][]): string[][] {
  return [...new Map(lists.map((list) => [list.join(' '), list])).values()]
}

function anyOf(forms: readonly string[]): string {
  const different = [...new Set(forms)]
  return different.length === 1 ? different.join('') : `(?:${different.join('|')})`
}

function quoted(character: string): string {
  return isSign(character) ? `\\${character}` : character
}

const SIGNS = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~')

/** What may stand behind a backslash for itself. */
function isSign(character: string): boolean {
  return SIGNS.has(character)
}
