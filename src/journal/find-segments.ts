import path from 'node:path'
import type { Log } from '../platform/log.ts'
import type { Disk, DiskFile } from './disk.ts'
import { type Fault, readSegment } from './read-segment.ts'
import { countIn, emptySegment, parseSegmentName, type Segment } from './segment.ts'

/** Reads every segment in the folder once, oldest first, and says in the log what is not as it should be. */
export async function findSegments(folder: string, disk: Disk, log: Log): Promise<Segment[]> {
  const segments: Segment[] = []
  for (const name of (await disk.readdir(folder)).toSorted()) {
    const parsed = parseSegmentName(name)
    if (!parsed) continue
    const segment = emptySegment(path.join(folder, name), parsed.key, parsed.firstSequence)
    await scan(segment, disk, log)
    segments.push(segment)
  }
  findMissing(segments, log)
  return segments
}

async function scan(segment: Segment, disk: Disk, log: Log): Promise<void> {
  const file = await disk.open(segment.file, 'r')
  try {
    await makeDurable(segment, file, log)
    const { size } = await file.stat()
    segment.readableTo = size
    segment.sizeBytes = size
    const range = { key: segment.key, from: 0, to: size, after: segment.drainedSequence }
    for await (const found of readSegment(file, range)) {
      if ('fault' in found) noteFault(segment, found.fault, log)
      else countIn(segment, found.record.sequence, found.to - found.from, found.record.appendedAt.getTime())
    }
  } finally {
    await file.close()
  }
}

/** What a killed process wrote but did not sync is about to be counted, and later segments are numbered after it. */
async function makeDurable(segment: Segment, file: DiskFile, log: Log): Promise<void> {
  await file.datasync().catch((err) => {
    log.warn({ err, file: segment.file }, 'a segment of the journal could not be synced again')
  })
}

function noteFault(segment: Segment, fault: Fault, log: Log): void {
  segment.faults.set(fault.from, fault)
  const where = { file: segment.file, from: fault.from, bytes: fault.to - fault.from }
  if (fault.kind === 'torn') {
    log.warn(where, 'the journal ends in a write that never finished; nothing of it was acknowledged')
    return
  }
  segment.isDamaged = true
  log.error(
    where,
    'a part of the journal cannot be read and may hold acknowledged requests; all that can be read is drained, and the file is kept as .damaged',
  )
}

/**
 * A segment is begun only after everything before it was stored, so its first number tells how many there must be.
 * Of a segment whose end is missing nothing else would tell.
 */
function findMissing(segments: Segment[], log: Log): void {
  segments.forEach((segment, index) => {
    const next = segments[index + 1]
    const missing = next ? next.firstSequence - 1 - segment.lastSequence : 0
    if (missing <= 0) return
    segment.isDamaged = true
    log.error(
      { file: segment.file, from: segment.lastSequence + 1, records: missing },
      'acknowledged requests are missing at the end of a part of the journal; the file is kept as .damaged',
    )
  })
}
