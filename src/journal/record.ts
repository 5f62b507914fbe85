/**
 * A record as it lies in a segment. Numbers are little-endian.
 *
 *     offset bytes
 *          0     4  magic, "SLJR"
 *          4     2  version of this format, 1
 *          6     2  flags: bit 0 says that there is a body (which may be empty)
 *          8     8  key of the segment: random, and part of its file name
 *         16     8  sequence number: one more than that of the record before
 *         24     8  when it was appended, milliseconds since 1970
 *         32     4  length of the meta data
 *         36     4  length of the body
 *         40     4  CRC-32 of meta data and body
 *         44     4  CRC-32 of the 44 bytes before
 *         48        meta data: JSON in UTF-8
 *                   body: bytes
 *
 * The header has a checksum of its own so that its lengths can be believed where the rest cannot. The key keeps out
 * what only looks like a record: a body may hold the bytes of a whole journal, and a disk may return old blocks.
 */
import { crc32 } from 'node:zlib'

export interface JournalRecord {
  /** Anything that survives JSON. */
  meta: unknown
  /** Must not be changed until the record is stored. */
  body: Buffer | null
}

/** A record that came back. */
export interface KeptRecord extends JournalRecord {
  sequence: number
  appendedAt: Date
}

/** A record that waits for its place: meta data and checksum are made, sequence and segment are open. */
export interface Payload {
  meta: Buffer
  body: Buffer | null
  crc: number
  appendedAt: number
}

export interface Header {
  sequence: number
  appendedAt: number
  metaBytes: number
  /** Null where there is no body. */
  bodyBytes: number | null
  crc: number
}

export const MAGIC = Buffer.from('SLJR', 'latin1')
export const HEADER_BYTES = 48
export const KEY_BYTES = 8
/**
 * Of meta data and body: what one reading may take of memory. Enough for the largest body beside its payload, in which
 * a byte may have become six: `\u0001`.
 */
export const RECORD_BYTES_MAX = 256 * 1024 * 1024

const VERSION = 1
const HAS_BODY = 1
const CRC_AT = 44
/** No Date is later. */
const LATEST_MS = 8_640_000_000_000_000

export function payloadOf(record: JournalRecord, appendedAt: Date): Payload {
  const meta = Buffer.from(JSON.stringify(record.meta), 'utf8')
  const crc = crc32(record.body ?? '', crc32(meta))
  return { meta, body: record.body, crc, appendedAt: appendedAt.getTime() }
}

export function sizeOf({ meta, body }: Payload): number {
  return HEADER_BYTES + meta.length + (body?.length ?? 0)
}

/** The record in pieces, of which the body is the one that was given. */
export function encode(payload: Payload, key: Buffer, sequence: number): Buffer[] {
  const { meta, body } = payload
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header, 0)
  header.writeUInt16LE(VERSION, 4)
  header.writeUInt16LE(body === null ? 0 : HAS_BODY, 6)
  key.copy(header, 8)
  header.writeBigUInt64LE(BigInt(sequence), 16)
  header.writeBigUInt64LE(BigInt(Math.max(0, payload.appendedAt)), 24)
  header.writeUInt32LE(meta.length, 32)
  header.writeUInt32LE(body?.length ?? 0, 36)
  header.writeUInt32LE(payload.crc, 40)
  header.writeUInt32LE(crc32(header.subarray(0, CRC_AT)), CRC_AT)
  return body === null ? [header, meta] : [header, meta, body]
}

/** Undefined for bytes that are no header of this segment, or of a version that is not known here. */
export function decodeHeader(bytes: Buffer, key: Buffer): Header | undefined {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  if (bytes.readUInt16LE(4) !== VERSION || !bytes.subarray(8, 8 + KEY_BYTES).equals(key)) return undefined
  if (bytes.readUInt32LE(CRC_AT) !== crc32(bytes.subarray(0, CRC_AT))) return undefined
  const sequence = Number(bytes.readBigUInt64LE(16))
  const appendedAt = Number(bytes.readBigUInt64LE(24))
  if (!Number.isSafeInteger(sequence) || appendedAt > LATEST_MS) return undefined
  return {
    sequence,
    appendedAt,
    metaBytes: bytes.readUInt32LE(32),
    bodyBytes: bytes.readUInt16LE(6) & HAS_BODY ? bytes.readUInt32LE(36) : null,
    crc: bytes.readUInt32LE(40),
  }
}

export function payloadBytesOf({ metaBytes, bodyBytes }: Header): number {
  return metaBytes + (bodyBytes ?? 0)
}

/** Undefined where the bytes are not the ones that the header speaks of. */
export function decodePayload(header: Header, bytes: Buffer): KeptRecord | undefined {
  if (bytes.length !== payloadBytesOf(header) || crc32(bytes) !== header.crc) return undefined
  const meta = readMeta(bytes.toString('utf8', 0, header.metaBytes))
  if (meta === UNREADABLE) return undefined
  return {
    sequence: header.sequence,
    appendedAt: new Date(header.appendedAt),
    meta,
    body: header.bodyBytes === null ? null : bytes.subarray(header.metaBytes),
  }
}

const UNREADABLE = Symbol('unreadable')

/** A checksum that fits by chance, or by a defect of whoever wrote it, must not keep all that comes after from being read. */
function readMeta(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return UNREADABLE
  }
}
