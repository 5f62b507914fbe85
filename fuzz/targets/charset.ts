import { decodeText } from '../../src/payload/charset.ts'
import { filled, joinParts, partsOf, promised, target } from '../target.ts'
import { sampleBodies } from './sample-bodies.ts'

export const charset = target({
  name: 'charset',
  reads: 'the charset of a content type, and bytes in it',
  promise:
    'nothing is repaired: the text written in its charset again is the very bytes; UTF-8 is refused where TextDecoder ' +
    'refuses it; a refusal names the byte',
  seeds: [
    ...sampleBodies('xml').map((body) => joinParts('', body)),
    joinParts('utf-8', 'aé€😀'),
    joinParts('', Buffer.from('efbbbf61', 'hex')),
    joinParts('utf-16le', Buffer.from('a😀', 'utf16le')),
    joinParts('UTF-16', Buffer.from('00610062', 'hex')),
    joinParts('', Buffer.from('fffe6100', 'hex')),
    joinParts('windows-1252', Buffer.from('80819d9fe9', 'hex')),
    joinParts('iso-8859-15', Buffer.from('a4a6e9', 'hex')),
    joinParts('us-ascii', 'abc'),
    joinParts('', '<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'),
    joinParts('', Buffer.from('<?xml version="1.0"?><a/>', 'utf16le')),
    joinParts('utf-8', Buffer.from('f09f98', 'hex')),
    joinParts('utf-8', Buffer.from('eda080', 'hex')),
  ],
  words: [
    'utf-8',
    'utf-16',
    'utf-16le',
    'utf-16be',
    'iso-8859-1',
    'iso-8859-15',
    'windows-1252',
    'ascii',
    'utf-32',
    'utf-7',
    '\n---\n',
  ],
  long: {
    'characters of three bytes': (bytes) => joinParts('utf-8', filled(bytes, '€')),
    'a fault at the end': (bytes) => joinParts('utf-8', filled(bytes, '€'), Buffer.from([0xff])),
    'bytes that only continue': (bytes) => joinParts('utf-8', Buffer.alloc(bytes, 0x80)),
    'first bytes of four': (bytes) => joinParts('utf-8', Buffer.alloc(bytes, 0xf0)),
    'UTF-16 with half a character at the end': (bytes) =>
      joinParts(
        'utf-16le',
        Buffer.concat([Buffer.from('a'.repeat(bytes / 2), 'utf16le'), Buffer.from([0, 0xd8])]),
      ),
    'Latin-1': (bytes) => joinParts('iso-8859-1', Buffer.alloc(bytes, 0xe9)),
    'windows-1252 with a hole at the end': (bytes) =>
      joinParts('windows-1252', Buffer.concat([Buffer.alloc(bytes, 0xe9), Buffer.from([0x81])])),
    'a declaration that does not end': (bytes) => joinParts('', filled(bytes, ' ', '<?xml')),
  },
  read(input) {
    const [label = EMPTY, bytes = EMPTY] = partsOf(input, 2)
    return decodeText(bytes, label.length === 0 ? undefined : label.toString('latin1'))
  },
  judge(input, result) {
    const [label = EMPTY, bytes = EMPTY] = partsOf(input, 2)
    if (!result.ok) {
      promised(result.message.length < 150, 'a refusal is short')
      promised(
        result.problem === 'unsupported' || /: byte \d+ does not fit$/.test(result.message),
        'a refusal names the byte',
      )
      if (
        label.toString() === 'utf-8' &&
        !/^(?:\xff\xfe|\xfe\xff|\x00\x00\xfe\xff)/.test(bytes.toString('latin1'))
      )
        promised(!isUtf8(bytes), 'what TextDecoder takes as UTF-8 is read')
      return
    }
    const { text, charset: found, isUtf8AsIs } = result
    promised(text.isWellFormed(), 'a text has whole characters')
    if (isUtf8AsIs) promised(Buffer.from(text).equals(bytes), 'the text is the bytes as they are')
    if (found === 'utf-8') promised(isUtf8(bytes), 'what TextDecoder refuses as UTF-8 is refused')
    const mark = MARKS.find((one) => bytes.subarray(0, one.length).equals(one))
    const written = writtenIn(text, found)
    promised(
      written.equals(bytes.subarray(found.startsWith('utf') ? (mark?.length ?? 0) : 0)),
      'nothing is repaired',
    )
  },
})

const EMPTY = Buffer.alloc(0)
const MARKS = ['efbbbf', 'fffe', 'feff'].map((hex) => Buffer.from(hex, 'hex'))

function isUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

/** Characters beyond Latin-1 in the two charsets that have them at single bytes, found by decoding every byte. */
function writtenIn(text: string, charset: string): Buffer {
  if (charset === 'utf-8' || charset === 'us-ascii') return Buffer.from(text)
  if (charset === 'utf-16le') return Buffer.from(text, 'utf16le')
  if (charset === 'utf-16be') return Buffer.from(text, 'utf16le').swap16()
  const table = tableOf(charset)
  return Buffer.from([...text].map((char) => table.get(char) ?? 0))
}

const tables = new Map<string, ReadonlyMap<string, number>>()

function tableOf(charset: string): ReadonlyMap<string, number> {
  const known = tables.get(charset)
  if (known) return known
  const table = new Map<string, number>()
  // ISO-8859-1 of the Encoding Standard is windows-1252, so its table is the bytes themselves.
  const decoder = charset === 'iso-8859-1' ? undefined : new TextDecoder(charset)
  for (let byte = 0; byte < 256; byte++)
    table.set(decoder ? decoder.decode(Buffer.from([byte])) : String.fromCharCode(byte), byte)
  tables.set(charset, table)
  return table
}
