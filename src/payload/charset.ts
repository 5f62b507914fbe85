import { isAscii, isUtf8 } from 'node:buffer'
import iconv from 'iconv-lite'
import { type BodyProblem, bodyProblem, shortName } from './body-problem.ts'

export type Charset =
  | 'utf-8'
  | 'utf-16le'
  | 'utf-16be'
  | 'iso-8859-1'
  | 'iso-8859-15'
  | 'windows-1252'
  | 'us-ascii'

export interface DecodedText {
  readonly ok: true
  readonly text: string
  readonly charset: Charset
  /** The text written as UTF-8 is the very bytes it came as, so one copy is enough. False after a BOM. */
  readonly isUtf8AsIs: boolean
}

/**
 * Turns bytes into text: by byte order mark, else by the `charset` of the content type, else by an XML
 * declaration (or, for XML in UTF-16 without mark, by the shape of `<?`), else as UTF-8.
 *
 * Nothing is repaired: bytes that the charset does not have are `unreadable`, and the message gives the position of
 * the first one from 0. A charset not listed in {@link Charset} is `unsupported`.
 *
 * ISO-8859-1 means ISO-8859-1, as in XML parsers, and not windows-1252, as in browsers: 0x80 to 0x9F are control
 * characters. UTF-8 and UTF-16 text may begin with a mark, which is no part of the text.
 */
export function decodeText(bytes: Buffer, charsetParameter?: string): DecodedText | BodyProblem {
  const mark = readMark(bytes)
  if (mark === 'utf-32') return unsupportedCharset('utf-32')
  if (mark !== undefined) return decodeAs(mark.charset, bytes, mark.length)
  return decodeUnmarked(bytes, charsetParameter ?? declaredCharset(bytes) ?? 'utf-8')
}

/** As {@link decodeText}, for bytes whose charset is settled: nothing inside them chooses another. */
export function decodeUnmarked(bytes: Buffer, label: string): DecodedText | BodyProblem {
  const charset = resolveLabel(label, bytes)
  return charset === undefined ? unsupportedCharset(label) : decodeAs(charset, bytes, 0)
}

function readMark(bytes: Buffer): { charset: Charset; length: number } | 'utf-32' | undefined {
  const [a, b, c, d] = bytes
  if (a === 0xef && b === 0xbb && c === 0xbf) return { charset: 'utf-8', length: 3 }
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe && d === 0xff))
    return 'utf-32'
  if (a === 0xff && b === 0xfe) return { charset: 'utf-16le', length: 2 }
  if (a === 0xfe && b === 0xff) return { charset: 'utf-16be', length: 2 }
  return undefined
}

/** Only XML names its charset inside; no JSON, form or plain text that we take begins with `<`. */
function declaredCharset(bytes: Buffer): string | undefined {
  if (bytes[0] === 0x3c && bytes[1] === 0) return 'utf-16le'
  if (bytes[0] === 0 && bytes[1] === 0x3c) return 'utf-16be'
  if (bytes[0] !== 0x3c) return undefined
  const start = bytes.toString('latin1', 0, DECLARATION_BYTES_MAX)
  const declared = /^<\?xml[ \t\r\n][^>]*?[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([^"'<>]*)["']/.exec(
    start,
  )
  const label = declared?.[1]
  // Who could read the declaration byte by byte is not reading UTF-16: .NET writes it over UTF-8 text.
  return label !== undefined && /^utf-?16/i.test(label) ? 'utf-8' : label
}

const DECLARATION_BYTES_MAX = 300

function resolveLabel(label: string, bytes: Buffer): Charset | undefined {
  const name = label.trim().toLowerCase()
  // The mark is missing, so the zero half of the first character tells; RFC 2781 says big endian otherwise.
  if (name === 'utf-16' || name === 'utf16') return bytes[1] === 0 && bytes[0] !== 0 ? 'utf-16le' : 'utf-16be'
  return LABELS.get(name)
}

const LABELS: ReadonlyMap<string, Charset> = new Map([
  ['utf-8', 'utf-8'],
  ['utf8', 'utf-8'],
  ['utf-16le', 'utf-16le'],
  ['utf-16be', 'utf-16be'],
  ['iso-8859-1', 'iso-8859-1'],
  ['iso8859-1', 'iso-8859-1'],
  ['iso_8859-1', 'iso-8859-1'],
  ['latin1', 'iso-8859-1'],
  ['latin-1', 'iso-8859-1'],
  ['l1', 'iso-8859-1'],
  ['iso-8859-15', 'iso-8859-15'],
  ['iso8859-15', 'iso-8859-15'],
  ['iso_8859-15', 'iso-8859-15'],
  ['latin9', 'iso-8859-15'],
  ['latin-9', 'iso-8859-15'],
  ['l9', 'iso-8859-15'],
  ['windows-1252', 'windows-1252'],
  ['cp1252', 'windows-1252'],
  ['x-cp1252', 'windows-1252'],
  ['us-ascii', 'us-ascii'],
  ['ascii', 'us-ascii'],
  ['ansi_x3.4-1968', 'us-ascii'],
  ['iso646-us', 'us-ascii'],
])

function decodeAs(charset: Charset, bytes: Buffer, markBytes: number): DecodedText | BodyProblem {
  const content = markBytes === 0 ? bytes : bytes.subarray(markBytes)
  if (charset === 'utf-8') return decodeUtf8(content, markBytes)
  if (charset === 'utf-16le' || charset === 'utf-16be') return decodeUtf16(charset, content, markBytes)
  if (isAscii(content)) return { ok: true, text: content.toString('latin1'), charset, isUtf8AsIs: true }
  return decodeSingleByte(charset, content)
}

function decodeUtf8(content: Buffer, markBytes: number): DecodedText | BodyProblem {
  if (!isUtf8(content)) return invalidByte('utf-8', markBytes + firstInvalidUtf8(content))
  return { ok: true, text: content.toString('utf8'), charset: 'utf-8', isUtf8AsIs: markBytes === 0 }
}

function decodeUtf16(
  charset: 'utf-16le' | 'utf-16be',
  content: Buffer,
  markBytes: number,
): DecodedText | BodyProblem {
  if (content.length % 2 === 1) return invalidByte(charset, markBytes + content.length - 1)
  const littleEndian = charset === 'utf-16le' ? content : Buffer.from(content).swap16()
  const text = littleEndian.toString('utf16le')
  if (!text.isWellFormed()) return invalidByte(charset, markBytes + 2 * firstLoneSurrogate(text))
  return { ok: true, text, charset, isUtf8AsIs: false }
}

function decodeSingleByte(
  charset: 'iso-8859-1' | 'iso-8859-15' | 'windows-1252' | 'us-ascii',
  content: Buffer,
): DecodedText | BodyProblem {
  if (charset === 'us-ascii')
    return invalidByte(
      charset,
      content.findIndex((byte) => byte >= 0x80),
    )
  const text = iconv.decode(content, charset, { stripBOM: false })
  // iconv-lite writes U+FFFD for the five bytes that windows-1252 leaves open.
  const hole = text.indexOf('\ufffd')
  if (hole !== -1) return invalidByte(charset, hole)
  return { ok: true, text, charset, isUtf8AsIs: false }
}

/** The first byte of the first sequence that UTF-8 does not have; only asked when there is one. */
function firstInvalidUtf8(content: Buffer): number {
  let at = endOfValidChunks(content)
  while (at < content.length) {
    const length = utf8SequenceLength(content, at)
    if (length === 0) return at
    at += length
  }
  return at
}

const CHUNK_BYTES = 4_096

/** Passes quickly over most of what is valid, so that only the last stretch is looked at character by character. */
function endOfValidChunks(content: Buffer): number {
  for (let start = 0; ; ) {
    let end = start + CHUNK_BYTES
    while (end < content.length && ((content[end] ?? 0) & 0xc0) === 0x80) end++
    if (end >= content.length || !isUtf8(content.subarray(start, end))) return start
    start = end
  }
}

/** Length of the sequence at `at`, 0 when it is overlong, cut short, a surrogate or beyond U+10FFFF. */
function utf8SequenceLength(content: Buffer, at: number): number {
  const lead = content[at] ?? 0
  if (lead < 0x80) return 1
  const length =
    lead >= 0xc2 && lead <= 0xdf ? 2 : (lead & 0xf0) === 0xe0 ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0
  if (length === 0) return 0
  return isUtf8(content.subarray(at, at + length)) ? length : 0
}

function firstLoneSurrogate(text: string): number {
  return text.search(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/)
}

function invalidByte(charset: Charset, position: number): BodyProblem {
  return bodyProblem('unreadable', `the body is not valid ${charset}: byte ${position} does not fit`)
}

function unsupportedCharset(label: string): BodyProblem {
  return bodyProblem('unsupported', `the charset "${shortName(label)}" is not supported`)
}
