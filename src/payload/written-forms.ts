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

const UNIT = /u([0-9a-f]{4})(?:\\{1,8}u(d[c-f][0-9a-f]{2}))?/y

function afterBackslashes(text: string, at: number): Reading[] {
  let end = at
  while (end - at < BACKSLASHES_MAX && text.charAt(end) === '\\') end++
  const readings = [2, 4, 8].flatMap((run) => (run <= end - at ? [{ units: '\\', end: at + run }] : []))
  const escaped = text.charAt(end)
  if (escaped === 'u') return [...readings, ...unicode(text, end)]
  const control = CONTROLS[escaped]
  if (control !== undefined) readings.push({ units: control, end: end + 1 })
  else if (isSign(escaped)) readings.push({ units: escaped, end: end + 1 })
  return readings
}

function unicode(text: string, at: number): Reading[] {
  UNIT.lastIndex = at
  const [whole = '', first, second] = UNIT.exec(text) ?? []
  if (first === undefined) return []
  const unit = String.fromCharCode(Number.parseInt(first, 16))
  const one = { units: fold(unit), end: at + 5 }
  // A letter of two units has a lower case that neither of them has.
  if (second !== undefined && unit >= '\ud800' && unit <= '\udbff') {
    const pair = unit + String.fromCharCode(Number.parseInt(second, 16))
    return [one, { units: fold(pair), end: at + whole.length }]
  }
  return unit === '&' ? [one, ...references(text, one.end)] : [one]
}

/** The rest of an entity, or of a reference to a character. */
const REFERENCE = /(?:#0{0,8}(\d{1,7})|#x0{0,8}([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));/y

function references(text: string, at: number): Reading[] {
  const readings: Reading[] = []
  for (let again = 0, from = at; again <= AGAIN_MAX; again++, from += 4) {
    REFERENCE.lastIndex = from
    const [whole = '', decimal, hex, name = ''] = REFERENCE.exec(text) ?? []
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    const units = code <= 0x10ffff ? fold(String.fromCodePoint(code)) : ENTITIES[name]
    if (units !== undefined) readings.push({ units, end: from + whole.length })
    if (!text.startsWith('amp;', from)) break
  }
  return readings
}

function percents(text: string, at: number): Reading[] {
  const readings: Reading[] = []
  for (let again = 0; again <= AGAIN_MAX; again++) {
    const first = byteAt(text, at, again)
    if (first === undefined) break
    const bytes = [first]
    for (let next = first; next.value >= 0x80 && bytes.length < 4; bytes.push(next)) {
      const following = byteAt(text, next.end, again)
      if (following === undefined || following.value >> 6 !== 0b10) break
      next = following
    }
    readings.push(...charactersOf(bytes))
    if (!text.startsWith('25', at + 1 + again * 2)) break
  }
  return readings
}

interface PercentByte {
  value: number
  end: number
}

const BYTE = /^[0-9a-f]{2}$/

function byteAt(text: string, at: number, again: number): PercentByte | undefined {
  if (text.charAt(at) !== '%') return undefined
  const from = at + 1 + again * 2
  const hex = text.slice(from, from + 2)
  if (!BYTE.test(hex) || text.slice(at + 1, from) !== '25'.repeat(again)) return undefined
  return { value: Number.parseInt(hex, 16), end: from + 2 }
}

/** The one character that UTF-8 reads there, and what a charset of single bytes does. */
function charactersOf(bytes: readonly PercentByte[]): Reading[] {
  const [first] = bytes
  if (first === undefined) return []
  if (first.value < 0x80) return [{ units: fold(String.fromCharCode(first.value)), end: first.end }]
  const readings = SINGLE_BYTES.map((charset) => ({
    units: fold(iconv.decode(Buffer.of(first.value), charset)),
    end: first.end,
  }))
  const length = first.value >= 0xf0 ? 4 : first.value >= 0xe0 ? 3 : 2
  const last = bytes[length - 1]
  if (last === undefined) return readings
  const character = Buffer.from(bytes.slice(0, length).map(({ value }) => value)).toString('utf8')
  return character.includes('\ufffd') ? readings : [...readings, { units: fold(character), end: last.end }]
}

/** What may stand escaped before a place of a folded text: the character, where an escape ends there. */
export function escapedBefore(text: string, at: number): string | undefined {
  for (let from = at - 1; from >= Math.max(0, at - ESCAPE_CHARS_MAX); from--) {
    if (text.charAt(from) === '+') continue
    const found = readingsAt(text, from).find(({ end }) => end === at)
    if (found) return found.units
  }
  return undefined
}

/** Of those that are met: `&amp;#x0001f600;`. */
const ESCAPE_CHARS_MAX = 16

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

/** What may stand behind a backslash for itself. */
function isSign(character: string): boolean {
  return /^[!-/:-@[-`{-~]$/.test(character)
}
