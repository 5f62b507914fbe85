import { type DiskFile, writeFully } from './disk.ts'
import { encode, type Payload, sizeOf } from './record.ts'
import { countIn, type Segment } from './segment.ts'
import type { Shelf } from './shelf.ts'

export interface SegmentWriter {
  /** Resolves when all of them are durable. After an error none of them may be acknowledged. One call at a time. */
  write(payloads: Payload[]): Promise<void>
  /** Lets the open segment be, so that the next write begins another one. Not while a write is under way. */
  leave(): Promise<void>
  /** The segment that the next write may go to. */
  current(): Segment | undefined
}

/**
 * Writes into one segment after the other.
 *
 * After an error nobody knows what of the file is on the disk: a kernel may drop the pages that it could not write and
 * then call the next fsync a success (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC
 * 2020). So the file is given up and never synced again, and the next write begins a new one.
 *
 * @param segmentBytesMax a record that is larger gets a segment of its own.
 */
export function createSegmentWriter(shelf: Shelf, segmentBytesMax: number): SegmentWriter {
  let active: { segment: Segment; file: DiskFile } | undefined

  /** A segment on the shelf that is not the active one is taken for finished, so both happen at once. */
  async function begin(): Promise<{ segment: Segment; file: DiskFile }> {
    const begun = await shelf.begin()
    shelf.segments.push(begun.segment)
    active = begun
    return begun
  }

  /** The segment counts what it took only when all of it is durable. */
  async function store(segment: Segment, file: DiskFile, payloads: Payload[]): Promise<void> {
    const first = segment.lastSequence + 1
    const pieces = payloads.flatMap((payload, index) => encode(payload, segment.key, first + index))
    const bytes = Buffer.concat(pieces)
    segment.sizeBytes = segment.readableTo + bytes.length
    await writeFully(file, bytes, segment.readableTo)
    await file.datasync()
    segment.readableTo += bytes.length
    payloads.forEach((payload, index) => {
      countIn(segment, first + index, sizeOf(payload), payload.appendedAt)
    })
  }

  /** What was not acknowledged is cut off where the disk still lets us, so that no later start brings it back. */
  async function giveUp(segment: Segment, file: DiskFile): Promise<void> {
    active = undefined
    await file.truncate(segment.readableTo).then(
      () => {
        segment.sizeBytes = segment.readableTo
      },
      () => {},
    )
    await closeQuietly(file)
    if (segment.readableTo === 0) await shelf.retire(segment)
  }

  async function leave(): Promise<void> {
    const file = active?.file
    active = undefined
    if (file) await closeQuietly(file)
  }

  return {
    async write(payloads) {
      const bytes = payloads.reduce((sum, payload) => sum + sizeOf(payload), 0)
      if (active && active.segment.readableTo + bytes > segmentBytesMax) await leave()
      const { segment, file } = active ?? (await begin())
      try {
        await store(segment, file, payloads)
      } catch (error) {
        await giveUp(segment, file)
        throw error
      }
    },
    leave,
    current: () => active?.segment,
  }
}

/** What was acknowledged is durable already. */
async function closeQuietly(file: DiskFile): Promise<void> {
  await file.close().catch(() => {})
}
