import { crc32 } from 'node:zlib'
import type { DiskFile } from '../../src/journal/disk.ts'
import { readSegment } from '../../src/journal/read-segment.ts'
import { encode, HEADER_BYTES, MAGIC, payloadOf } from '../../src/journal/record.ts'
import { joinParts, partsOf, promised, target } from '../target.ts'

const KEY = Buffer.from('0123456789abcdef', 'hex')
const RECORDS = 4

export const journal = target({
  name: 'journal',
  reads: 'a word, and a segment of the journal; with the word `believed` the checksums are made right before',
  promise:
    'every byte is of a record or of a fault, in order; records come in their order and once; without right checksums ' +
    'none is given that was not written',
  seeds: [
    joinParts('', segment(RECORDS)),
    joinParts('believed', segment(RECORDS)),
    joinParts('', Buffer.concat([segment(2), Buffer.alloc(100)])),
    joinParts('', Buffer.concat([segment(1), segment(RECORDS)])),
    joinParts('', segment(RECORDS).subarray(0, -7)),
    joinParts('', Buffer.alloc(300)),
    joinParts('believed', Buffer.concat([record(1), record(3), record(2), record(3)])),
    // A body that holds a journal.
    joinParts('', Buffer.concat(encode(payloadOf({ meta: {}, body: segment(2) }, new Date(0)), KEY, 1))),
  ],
  words: ['SLJR', 'SLJR\u0001\0\u0001\0', '\n---\n', 'believed', '\0\0\0\0', '{}', 'null'],
  bytesMax: 4_000_000,
  long: {
    records: (bytes) => joinParts('', segment(Math.ceil(bytes / 64))),
    zeros: (bytes) => joinParts('', Buffer.alloc(bytes)),
    'what looks like headers': (bytes) =>
      joinParts('', Buffer.concat(Array(Math.ceil(bytes / MAGIC.length)).fill(MAGIC))),
    'a record whose end is missing': (bytes) =>
      joinParts(
        '',
        Buffer.concat(
          encode(payloadOf({ meta: 1, body: Buffer.alloc(bytes) }, new Date(0)), KEY, 1),
        ).subarray(0, -1),
      ),
  },
  async read(input) {
    const [word, bytes] = partsIn(input)
    // Nobody can make many such, so how time grows with them does not matter.
    const given = word === 'believed' && bytes.length < 10_000 ? withRightChecksums(bytes) : bytes
    const found = []
    for await (const one of readSegment(fileOf(given), { key: KEY, from: 0, to: given.length, after: 0 }))
      found.push(one)
    return { found, bytes: given }
  },
  judge(input, { found, bytes }) {
    const [word] = partsIn(input)
    let at = 0
    let sequence = 0
    for (const one of found) {
      const { from, to } = 'fault' in one ? one.fault : one
      // Between two that are given may lie records that were given already.
      promised(from >= at && to > from && to <= bytes.length, 'records and faults come in their order')
      at = to
      if ('fault' in one) continue
      const { record } = one
      promised(record.sequence > sequence, 'a record comes once, in its order')
      sequence = record.sequence
      promised(!Number.isNaN(record.appendedAt.getTime()), 'a record has a time')
      if (word !== 'believed') promised(isWritten(bytes.subarray(from, to)), 'only what was written is given')
    }
  },
})

function record(sequence: number): Buffer {
  const body = sequence % 3 === 0 ? null : Buffer.from(`body ${sequence}`)
  return Buffer.concat(
    encode(payloadOf({ meta: { sequence }, body }, new Date(sequence * 1_000)), KEY, sequence),
  )
}

function segment(records: number): Buffer {
  return Buffer.concat(Array.from({ length: records }, (_, at) => record(at + 1)))
}

/** A checksum of 32 bits would let one of four billion changes pass, and so a few inputs are tried in vain. */
function isWritten(bytes: Buffer): boolean {
  const sequence = Number(bytes.readBigUInt64LE(16))
  return bytes.equals(record(sequence)) || bytes.includes('SLJR', 4)
}

function partsIn(input: Buffer): [word: string, bytes: Buffer] {
  const [word, bytes] = partsOf(input, 2)
  return [word?.toString() ?? '', bytes ?? Buffer.alloc(0)]
}

/** Wherever a header seems to begin, as if the journal itself had written what is there now. */
function withRightChecksums(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes)
  for (let at = changed.indexOf(MAGIC); at !== -1; at = changed.indexOf(MAGIC, at + 1)) {
    if (at + HEADER_BYTES > changed.length) break
    const from = at + HEADER_BYTES
    const end = from + changed.readUInt32LE(at + 32) + changed.readUInt32LE(at + 36)
    changed.writeUInt32LE(crc32(changed.subarray(from, end)), at + 40)
    changed.writeUInt32LE(crc32(changed.subarray(at, at + 44)), at + 44)
  }
  return changed
}

function fileOf(bytes: Buffer): DiskFile {
  const unused = async () => {
    throw new Error('only read')
  }
  return {
    async read(buffer, offset, length, position) {
      return { bytesRead: bytes.copy(buffer, offset, position, Math.min(bytes.length, position + length)) }
    },
    write: unused,
    datasync: unused,
    sync: unused,
    truncate: unused,
    stat: async () => ({ size: bytes.length }),
    close: async () => {},
  }
}
