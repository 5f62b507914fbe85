import path from 'node:path'
import type { Log } from '../platform/log.ts'
import type { Appender } from './append.ts'
import type { Disk } from './disk.ts'
import { type Fault, readSegment } from './read-segment.ts'
import type { KeptRecord } from './record.ts'
import { countOut, type Segment } from './segment.ts'
import type { SetAside } from './set-aside.ts'
import type { Shelf } from './shelf.ts'

/** A record that will never be taken, and why. */
export interface Refused {
  record: KeptRecord
  reason: string
}

/**
 * Stores records somewhere else, durably. Gives those that can never be stored; all others count as stored. When it
 * throws, all of them count as not stored and will be given again: storing one again must change nothing.
 */
export type Take = (records: KeptRecord[]) => Promise<Refused[]>

export interface Drained {
  taken: number
  setAside: number
}

interface DrainOptions {
  shelf: Shelf
  appender: Appender
  setAside: SetAside
  disk: Disk
  log: Log
  now(): Date
}

interface Batch {
  records: KeptRecord[]
  bytes: number
  /** Where the next one may begin. */
  to: number
  faults: Fault[]
}

const BATCH_RECORDS_MAX = 256
const BATCH_BYTES_MAX = 8 * 1024 * 1024

/** Until nothing waits, or `isStopped`. */
export async function drainAll(
  options: DrainOptions,
  take: Take,
  isStopped: () => boolean,
): Promise<Drained> {
  const { shelf, appender } = options
  const drained = { taken: 0, setAside: 0 }
  while (!isStopped()) {
    const [segment] = shelf.segments
    if (!segment) break
    const batch = await readBatch(segment, options.disk)
    noteNewFaults(segment, batch.faults, options.log)
    const refused = batch.records.length === 0 ? [] : await take(batch.records)
    for (const one of refused) await putAside(segment, one, options)
    countOut(segment, batch.records, batch.bytes, batch.to)
    drained.taken += batch.records.length - refused.length
    drained.setAside += refused.length
    // After a crash a segment is given again from its beginning; that costs less than noting each step durably.
    if (segment.drainedTo >= segment.readableTo && (await appender.leave(segment))) {
      if (segment.drainedTo >= segment.readableTo) await shelf.retire(segment)
    }
  }
  return drained
}

/** One batch from where the last one ended. Reads no further than what is durable. */
async function readBatch(segment: Segment, disk: Disk): Promise<Batch> {
  const { key, drainedTo: from, readableTo: to, drainedSequence: after } = segment
  const batch: Batch = { records: [], bytes: 0, to: from, faults: [] }
  if (from >= to) return batch
  const file = await disk.open(segment.file, 'r')
  try {
    for await (const found of readSegment(file, { key, from, to, after })) {
      if ('fault' in found) {
        batch.faults.push(found.fault)
        continue
      }
      const bytes = found.to - found.from
      if (batch.records.length > 0 && batch.bytes + bytes > BATCH_BYTES_MAX) return batch
      batch.records.push(found.record)
      batch.bytes += bytes
      batch.to = found.to
      if (batch.records.length >= BATCH_RECORDS_MAX) return batch
    }
  } finally {
    await file.close()
  }
  batch.to = to
  return batch
}

/** What was readable before is no unfinished write, whatever it looks like. */
function noteNewFaults(segment: Segment, faults: Fault[], log: Log): void {
  for (const fault of faults.filter(({ from }) => !segment.faults.has(from))) {
    segment.faults.set(fault.from, fault)
    segment.isDamaged = true
    const where = { file: segment.file, from: fault.from, bytes: fault.to - fault.from }
    log.error(
      where,
      'acknowledged requests in the journal cannot be read any more; the file is kept as .damaged',
    )
  }
}

async function putAside(segment: Segment, { record, reason }: Refused, options: DrainOptions): Promise<void> {
  const { setAside, log, now } = options
  const name = `${path.basename(segment.file, '.journal')}-${record.sequence}`
  await setAside.put(name, record, reason, now())
  log.error({ name, reason }, 'a request in the journal cannot be stored and was set aside')
}
