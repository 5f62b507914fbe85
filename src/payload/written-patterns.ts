/**
 * In what ways a text may be written, as regular expressions for PostgreSQL: the other direction of `written-forms.ts`. An
 * expression may find more than is read there, never less.
 */
import iconv from 'iconv-lite'
import { capitals, casesOf } from './letter-cases.ts'
import { CONTROLS, ENTITIES, isSign, SINGLE_BYTES } from './written-forms.ts'

/** In what a text may be written: in JSON only, or in whatever `readingsAt` knows. */
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

const BYTE_CHARSETS = ['utf-8', ...SINGLE_BYTES]

/** The bytes of a character in each of these charsets that has it. */
function bytesIn(charsets: readonly string[], character: string): number[][] {
  return charsets.flatMap((charset) => {
    const bytes = iconv.encode(character, charset)
    // What a charset does not have is written as a question mark, and is another text.
    return iconv.decode(bytes, charset, { stripBOM: false }) === character ? [[...bytes]] : []
  })
}

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
