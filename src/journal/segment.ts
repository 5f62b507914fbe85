import type { Fault } from './read-segment.ts'
import type { KeptRecord } from './record.ts'

/** A file of records. What of it is still to be drained lies from `drainedTo` to `readableTo`. */
export interface Segment {
  file: string
  key: Buffer
  firstSequence: number
  /** Of the last record in it; one less than the first where there is none. */
  lastSequence: number
  drainedTo: number
  /** Of the last record that was drained. */
  drainedSequence: number
  /** Up to here it is durable. In a segment of a dead process: its end. */
  readableTo: number
  /** What it takes of the disk. */
  sizeBytes: number
  waiting: { records: number; bytes: number; oldestAt: number | null }
  /** Where bytes are that are no record, by what was found when it was opened. */
  faults: Map<number, Fault>
  /** It is not to be deleted: something in it may have been promised and cannot be read. */
  isDamaged: boolean
}

const NAME = /^(\d{16})-([0-9a-f]{16})\.journal$/
const SEQUENCE_DIGITS = 16

export function segmentName(firstSequence: number, key: Buffer): string {
  return `${String(firstSequence).padStart(SEQUENCE_DIGITS, '0')}-${key.toString('hex')}.journal`
}

/** Undefined for a file that is no segment by its name. */
export function parseSegmentName(name: string): { firstSequence: number; key: Buffer } | undefined {
  const [, sequence, key] = NAME.exec(name) ?? []
  if (sequence === undefined || key === undefined) return undefined
  return { firstSequence: Number(sequence), key: Buffer.from(key, 'hex') }
}

export function emptySegment(file: string, key: Buffer, firstSequence: number): Segment {
  return {
    file,
    key,
    firstSequence,
    lastSequence: firstSequence - 1,
    drainedTo: 0,
    drainedSequence: firstSequence - 1,
    readableTo: 0,
    sizeBytes: 0,
    waiting: { records: 0, bytes: 0, oldestAt: null },
    faults: new Map(),
    isDamaged: false,
  }
}

export function countIn(segment: Segment, sequence: number, bytes: number, appendedAt: number): void {
  segment.lastSequence = sequence
  segment.waiting.records += 1
  segment.waiting.bytes += bytes
  segment.waiting.oldestAt ??= appendedAt
}

/** @param to where the next record that waits may begin. */
export function countOut(segment: Segment, records: KeptRecord[], bytes: number, to: number): void {
  const { waiting } = segment
  segment.drainedTo = to
  segment.drainedSequence = records.at(-1)?.sequence ?? segment.drainedSequence
  waiting.records = Math.max(0, waiting.records - records.length)
  waiting.bytes = Math.max(0, waiting.bytes - bytes)
  // The time of the next one is not known before it is read; it is not before that of the last one drained.
  waiting.oldestAt = waiting.records === 0 ? null : (records.at(-1)?.appendedAt.getTime() ?? waiting.oldestAt)
}
