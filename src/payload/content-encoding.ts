import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { type BodyProblem, bodyProblem, shortName } from './body-problem.ts'

export interface DecodedContent {
  readonly ok: true
  readonly body: Buffer
}

/**
 * Undoes `Content-Encoding`: gzip, deflate (with and without zlib's header), br, and two of them one over the other.
 *
 * Decompression stops as soon as a layer gives more than `decodedBytesMax` bytes (`too_large`), so a bomb costs no
 * more memory than an honest body of that size. Unknown codings and longer lists are `unsupported`, broken or cut
 * data and bytes after its end are `unreadable`.
 */
export async function decodeContent(
  body: Buffer,
  contentEncoding: string | undefined,
  decodedBytesMax: number,
): Promise<DecodedContent | BodyProblem> {
  const codings = readCodings(contentEncoding)
  if (!Array.isArray(codings)) return codings
  let content = body
  // An empty body has nothing to undo, whatever a client's habit adds to its headers.
  if (body.length > 0) {
    for (const coding of codings.toReversed()) {
      const decoded = await undo(coding, content, decodedBytesMax)
      if (!decoded.ok) return decoded
      content = decoded.body
    }
  }
  return content.length > decodedBytesMax ? tooLarge(decodedBytesMax) : { ok: true, body: content }
}

/** Whether there is anything to undo, or to refuse: an empty field and `identity` are nothing. */
export function isEncoded(contentEncoding: string | undefined): boolean {
  const codings = readCodings(contentEncoding)
  return !Array.isArray(codings) || codings.length > 0
}

type Coding = 'gzip' | 'deflate' | 'br'

const CODINGS: ReadonlyMap<string, Coding> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
])

const CODINGS_MAX = 2
/** Those that are empty or `identity` included. */
const PARTS_MAX = 20

function readCodings(contentEncoding: string | undefined): Coding[] | BodyProblem {
  if (contentEncoding === undefined || contentEncoding === '') return []
  const codings: Coding[] = []
  const parts = contentEncoding.split(',', PARTS_MAX + 1)
  if (parts.length > PARTS_MAX)
    return bodyProblem('unsupported', `more than ${PARTS_MAX} content encodings are not supported`)
  for (const part of parts) {
    const name = part.trim().toLowerCase()
    if (name === '' || name === 'identity') continue
    const coding = CODINGS.get(name)
    if (!coding)
      return bodyProblem('unsupported', `the content encoding "${shortName(name)}" is not supported`)
    codings.push(coding)
  }
  if (codings.length <= CODINGS_MAX) return codings
  return bodyProblem('unsupported', `more than ${CODINGS_MAX} content encodings are not supported`)
}

interface WithEngine {
  buffer: Buffer
  engine: { bytesWritten: number }
}

type Unpack = (input: Buffer, options: zlib.ZlibOptions) => Promise<unknown>

const gunzip: Unpack = promisify(zlib.gunzip)
const inflate: Unpack = promisify(zlib.inflate)
const inflateRaw: Unpack = promisify(zlib.inflateRaw)
const brotli: Unpack = promisify(zlib.brotliDecompress)

async function undo(coding: Coding, input: Buffer, bytesMax: number): Promise<DecodedContent | BodyProblem> {
  if (coding === 'gzip') return unpack(gunzip, coding, input, bytesMax)
  if (coding === 'br') return unpack(brotli, coding, input, bytesMax)
  if (!hasZlibHeader(input)) return unpack(inflateRaw, coding, input, bytesMax)
  const zlibForm = await unpack(inflate, coding, input, bytesMax)
  // Two bytes can look like a header by chance, so a raw stream gets its turn.
  if (zlibForm.ok || zlibForm.problem === 'too_large') return zlibForm
  const rawForm = await unpack(inflateRaw, coding, input, bytesMax)
  return rawForm.ok ? rawForm : zlibForm
}

function hasZlibHeader(input: Buffer): boolean {
  const [method = 0, flags = 0] = input
  return (method & 0x0f) === 8 && method >> 4 <= 7 && ((method << 8) | flags) % 31 === 0
}

async function unpack(
  how: Unpack,
  coding: Coding,
  input: Buffer,
  bytesMax: number,
): Promise<DecodedContent | BodyProblem> {
  try {
    // zlib gives up in the middle of the stream when the sum of its chunks passes `maxOutputLength`.
    const options = { maxOutputLength: bytesMax, chunkSize: chunkSizeOf(input), info: true }
    const { buffer, engine } = (await how(input, options)) as WithEngine
    if (engine.bytesWritten === input.length) return { ok: true, body: buffer }
    return bodyProblem(
      'unreadable',
      `the ${coding} data ends at byte ${engine.bytesWritten}, the body does not`,
    )
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(bytesMax)
    return bodyProblem('unreadable', `the body is not valid ${coding} data`)
  }
}

function tooLarge(bytesMax: number): BodyProblem {
  return bodyProblem('too_large', `the body is larger than ${bytesMax} bytes`)
}

/**
 * Each chunk is a trip to another thread, so large ones undo a body in a third of the time; and it stays in memory with
 * what was undone, so small bodies get small ones.
 */
function chunkSizeOf(input: Buffer): number {
  return Math.min(64 * 1024, Math.max(1024, input.length * 8))
}
