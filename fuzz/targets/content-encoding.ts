import { brotliCompressSync, deflateRawSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib'
import { decodeContent } from '../../src/payload/content-encoding.ts'
import { filled, joinParts, partsOf, promised, target } from '../target.ts'

const BYTES_MAX = 20_000
const TEXT = Buffer.from('{"event":"order.created","lines":["T-Shirt","T-Shirt","T-Shirt"]}')

export const contentEncoding = target({
  name: 'content-encoding',
  reads: 'a Content-Encoding, and bytes in it',
  promise: 'never more bytes than allowed; one gzip layer as zlib itself undoes it; a refusal is short',
  seeds: [
    joinParts('gzip', gzipSync(TEXT)),
    joinParts('deflate', deflateSync(TEXT)),
    joinParts('deflate', deflateRawSync(TEXT)),
    joinParts('br', brotliCompressSync(TEXT)),
    joinParts('gzip, br', brotliCompressSync(gzipSync(TEXT))),
    joinParts('identity', TEXT),
    joinParts('', TEXT),
    joinParts('gzip', gzipSync(Buffer.alloc(30_000))),
    joinParts('gzip', Buffer.concat([gzipSync(TEXT), gzipSync(TEXT)])),
    joinParts('x-gzip, , identity', gzipSync(TEXT)),
  ],
  words: [
    'gzip',
    'deflate',
    'br',
    'identity',
    'x-gzip',
    'zstd',
    ',',
    ' ',
    '\x1f\x8b\x08',
    '\x78\x9c',
    '\n---\n',
  ],
  long: {
    'a gzip bomb': (bytes) => joinParts('gzip', gzipSync(Buffer.alloc(bytes * 50))),
    'a bomb within a bomb': (bytes) => joinParts('gzip, gzip', gzipSync(gzipSync(Buffer.alloc(bytes * 50)))),
    'a brotli bomb': (bytes) => joinParts('br', brotliCompressSync(Buffer.alloc(bytes * 50))),
    'many empty gzip members': (bytes) => joinParts('gzip', repeated(gzipSync(''), bytes)),
    'many empty stored blocks': (bytes) =>
      joinParts('deflate', repeated(Buffer.from('000000ffff', 'hex'), bytes)),
    'codings that are none': (bytes) => joinParts(filled(bytes, 'identity,'), TEXT),
    commas: (bytes) => joinParts(filled(bytes, ','), TEXT),
  },
  read(input) {
    const [coding = EMPTY, body = EMPTY] = partsOf(input, 2)
    return decodeContent(body, coding.length === 0 ? undefined : coding.toString('latin1'), BYTES_MAX)
  },
  judge(input, result) {
    const [coding = EMPTY, body = EMPTY] = partsOf(input, 2)
    if (!result.ok) {
      promised(result.message.length < 150, 'a refusal is short')
      return
    }
    promised(result.body.length <= BYTES_MAX, 'never more bytes than allowed')
    if (coding.toString() === 'gzip' && body.length > 0)
      promised(gunzipSync(body).equals(result.body), 'gzip is undone as zlib does it')
  },
})

const EMPTY = Buffer.alloc(0)

function repeated(piece: Buffer, bytes: number): Buffer {
  return Buffer.concat(Array(Math.max(1, Math.floor(bytes / piece.length))).fill(piece))
}
