import { type DiskFile, readFully } from './disk.ts'
import {
  decodeHeader,
  decodePayload,
  HEADER_BYTES,
  type Header,
  type KeptRecord,
  MAGIC,
  payloadBytesOf,
} from './record.ts'

/** Bytes of a segment that are no record. */
export interface Fault {
  from: number
  to: number
  /**
   * `torn`: the end of a write that never finished, cut short or nothing but zeros, which nobody was promised.
   * `damaged`: something else, and it may have been promised.
   */
  kind: 'torn' | 'damaged'
}

export type Found = { record: KeptRecord; from: number; to: number } | { fault: Fault }

const CHUNK_BYTES = 256 * 1024
const PAGE_BYTES = 4096

/**
 * Every record between two offsets, in order, and what lies between them. After bytes that are no record it looks for
 * the next header. A record that comes twice is given once. Holds one record and one chunk in memory.
 *
 * @param after the sequence number that all records are to be above.
 */
export async function* readSegment(
  file: DiskFile,
  { key, from, to, after }: { key: Buffer; from: number; to: number; after: number },
): AsyncGenerator<Found, void, void> {
  const view = createView(file, to)
  let sequence = after
  let at = from
  while (at < to) {
    const header = decodeHeader(await view.bytes(at, HEADER_BYTES), key)
    const end = header && at + HEADER_BYTES + payloadBytesOf(header)
    const record = header && end && end <= to ? await readPayload(view, header, at) : undefined
    if (record && end) {
      if (record.sequence > sequence) yield { record, from: at, to: end }
      sequence = Math.max(sequence, record.sequence)
      at = end
      continue
    }
    const next = await findHeader(view, key, at + 1, to)
    const isCutShort = to - at < HEADER_BYTES || (end !== undefined && end > to)
    const isTorn = next === undefined && view.allRead() && (isCutShort || (await isZero(view, at, to)))
    yield { fault: { from: at, to: next ?? to, kind: isTorn ? 'torn' : 'damaged' } }
    at = next ?? to
  }
}

interface View {
  /** Fewer than asked for only at the end. */
  bytes(from: number, length: number): Promise<Buffer>
  /** As many as are at hand; fewer than a header only at the end. */
  some(from: number): Promise<Buffer>
  /** Whether the disk gave everything it was asked for. */
  allRead(): boolean
}

function createView(file: DiskFile, to: number): View {
  let start = 0
  let held: Buffer = Buffer.alloc(0)
  let lostPages = 0

  /** Where the disk cannot read, zeros stand for each page that is lost, so that what follows is found. */
  async function readPages(from: number, length: number): Promise<Buffer> {
    const pages: Buffer[] = []
    for (let at = from; at < from + length; at += PAGE_BYTES) {
      const size = Math.min(PAGE_BYTES, from + length - at)
      pages.push(
        await readFully(file, at, size).catch(() => {
          lostPages += 1
          return Buffer.alloc(size)
        }),
      )
    }
    return Buffer.concat(pages)
  }

  async function bytes(from: number, length: number): Promise<Buffer> {
    const end = Math.min(from + length, to)
    if (from < start || end > start + held.length) {
      const size = Math.min(Math.max(length, CHUNK_BYTES), to - from)
      held = await readFully(file, from, size).catch(() => readPages(from, size))
      start = from
    }
    return held.subarray(from - start, end - start)
  }

  return {
    bytes,
    some(from) {
      const atHand = from < start ? 0 : start + held.length - from
      return bytes(from, atHand >= HEADER_BYTES ? atHand : CHUNK_BYTES)
    },
    allRead: () => lostPages === 0,
  }
}

async function readPayload(view: View, header: Header, at: number): Promise<KeptRecord | undefined> {
  return decodePayload(header, await view.bytes(at + HEADER_BYTES, payloadBytesOf(header)))
}

async function findHeader(view: View, key: Buffer, from: number, to: number): Promise<number | undefined> {
  for (let at = from; at + HEADER_BYTES <= to; ) {
    const chunk = await view.some(at)
    if (chunk.length === 0) return undefined
    for (let hit = chunk.indexOf(MAGIC); hit !== -1; hit = chunk.indexOf(MAGIC, hit + 1)) {
      if (decodeHeader(await view.bytes(at + hit, HEADER_BYTES), key)) return at + hit
    }
    // A header may begin in the last bytes of this chunk.
    at += Math.max(chunk.length - HEADER_BYTES + 1, 1)
  }
  return undefined
}

async function isZero(view: View, from: number, to: number): Promise<boolean> {
  for (let at = from; at < to; at += CHUNK_BYTES) {
    const chunk = await view.bytes(at, CHUNK_BYTES)
    if (!chunk.equals(Buffer.alloc(chunk.length))) return false
  }
  return true
}
