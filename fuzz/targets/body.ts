import { isDeepStrictEqual } from 'node:util'
import { parseExact } from '../../src/payload/exact-json.ts'
import { normalise } from '../../src/payload/normalise.ts'
import { filled, joinParts, partsOf, promised, target } from '../target.ts'
import { sampleBodies } from './sample-bodies.ts'

const LIMITS = { depthMax: 20, keysMax: 300 }
const ALWAYS_LIST = ['webhook.order.items.item']

export const body = target({
  name: 'body',
  reads: 'a content type, `xml` or nothing for the address that says XML, and a body',
  promise:
    'the payload is JSON text that holds the value; it is the body itself only where its bytes are; a refusal has one ' +
    'of the names of the closed list and is short',
  seeds: [
    ...sampleBodies('json').map((bytes) => joinParts('application/json', '', bytes)),
    ...sampleBodies('xml').map((bytes) => joinParts('text/xml', '', bytes)),
    ...sampleBodies('form').map((bytes) => joinParts('application/x-www-form-urlencoded', '', bytes)),
    joinParts('text/plain; charset=windows-1252', '', 'a\0b\u0080'),
    joinParts('', '', ' {"a":1}'),
    joinParts('', 'xml', '<a/>'),
    joinParts('application/vnd.x+json; charset=utf-16', '', Buffer.from('\ufeff{"a":1}', 'utf16le')),
    joinParts('application/x-www-form-urlencoded', '', '{"a":1}'),
    joinParts('image/gif', '', 'GIF89a'),
    joinParts('application/json', '', ' \r\n\t '),
  ],
  words: [
    'application/json',
    'text/xml',
    'application/x-www-form-urlencoded',
    'text/plain',
    '; charset=',
    'utf-16',
    'iso-8859-1',
    '\n---\n',
    '\n---\nxml\n---\n',
    '{"a":1}',
    '<a>1</a>',
    'a=1',
    '\ufeff',
  ],
  long: {
    blanks: (bytes) => joinParts('application/json', '', filled(bytes, ' ')),
    'blanks in UTF-16': (bytes) =>
      joinParts('text/plain; charset=utf-16le', '', Buffer.from(' '.repeat(bytes / 2), 'utf16le')),
    'plain text': (bytes) => joinParts('text/plain', '', filled(bytes, '\u0001"')),
    'a form': (bytes) => joinParts('application/x-www-form-urlencoded', '', filled(bytes, 'a=1&')),
    'XML in UTF-16': (bytes) =>
      joinParts('text/xml', '', Buffer.from(`\ufeff<a>${'<b/>'.repeat(bytes / 10)}</a>`, 'utf16le')),
    'no content type and blanks': (bytes) => joinParts('', '', filled(bytes, '\n', '', '{}')),
  },
  read(input) {
    const [type = EMPTY, address = EMPTY, bytes = EMPTY] = partsOf(input, 3)
    const limits = input.length > 9_000 ? { depthMax: 100, keysMax: 100_000 } : LIMITS
    const read = normalise(bytes, type.length === 0 ? undefined : type.toString('latin1'), {
      forceXml: address.toString() === 'xml',
      alwaysList: ALWAYS_LIST,
      limits,
    })
    if (read.ok) read.value()
    return read
  },
  judge(input, result) {
    const [, , bytes = EMPTY] = partsOf(input, 3)
    if (!result.ok) {
      promised(
        PROBLEMS.includes(result.problem) && result.message.length < 300,
        'a refusal is short and named',
      )
      return
    }
    promised(isDeepStrictEqual(parseExact(result.payload), result.value()), 'the payload holds the value')
    if (result.isBody)
      promised(Buffer.from(result.payload).equals(bytes), 'the payload is the body where it says so')
  },
})

const EMPTY = Buffer.alloc(0)
const PROBLEMS = ['empty', 'unreadable', 'unsupported', 'too_deep', 'too_many_keys', 'too_large']
