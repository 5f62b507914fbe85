/**
 * What was acknowledged while the ledger was away: an append-only journal on the local disk. It knows nothing of what
 * it keeps. The files of a folder:
 *
 *     lock                           held while a process uses the folder
 *     <first number>-<key>.journal   a segment: records, as record.ts describes them
 *     <segment>.journal.damaged      a drained segment in which something could not be read
 *     set-aside/<…>.record           a record that no drain could take, with the reason
 *
 * A process never writes into a segment of another one: whatever a dead process left is read, not continued.
 */
import path from 'node:path'
import type { Log } from '../platform/log.ts'
import { createAppender } from './append.ts'
import { type Disk, makeFolder, NODE_DISK, tryDisk } from './disk.ts'
import { type Drained, drainAll, type Take } from './drain.ts'
import { lockFolder } from './lock.ts'
import type { JournalRecord, KeptRecord } from './record.ts'
import { openSetAside, type SetAside } from './set-aside.ts'
import { openShelf, type Shelf } from './shelf.ts'
import { createSegmentWriter } from './write-segment.ts'

export type { Disk, DiskFile } from './disk.ts'
export { NODE_DISK } from './disk.ts'
export type { Drained, Refused, Take } from './drain.ts'
export {
  JournalClosed,
  JournalFailed,
  JournalFull,
  JournalLocked,
  JournalRecordTooLarge,
} from './failure.ts'
export type { JournalRecord, KeptRecord } from './record.ts'

export interface JournalOptions {
  /** Of this process alone. Made when missing, closed to other users. */
  folder: string
  /** What all files together may take of the disk. */
  bytesMax: number
  /** A drained segment is deleted whole, and after a crash drained again from its beginning. */
  segmentBytesMax: number
  /** Of records in memory that wait for the disk. */
  pendingBytesMax?: number
  log: Log
  now(): Date
  disk?: Disk
}

export interface Journal {
  /**
   * Resolves when the record is on the disk (`fdatasync`), also for a process that is killed or a machine that loses
   * its power at that moment. There is no time limit: a disk that hangs answers nobody, and who stops waiting has
   * promised nothing.
   *
   * @throws JournalFull | JournalFailed | JournalClosed | JournalRecordTooLarge when it must not be acknowledged.
   */
  append(record: JournalRecord): Promise<void>
  /**
   * Gives every record to `take`, in order and in batches of at most 256 and 8 MiB, until none waits. Appends may go
   * on. A record is forgotten only after `take` has resolved; what it refuses for good is set aside, durably. One
   * drain at a time.
   *
   * @throws what `take` throws, or an error of the disk: the batch will be given again.
   */
  drain(take: Take, signal?: AbortSignal): Promise<Drained>
  /** Gives what was set aside to `take` once more; what it refuses stays where it is. */
  drainSetAside(take: Take): Promise<Drained>
  /** What was set aside, with the reasons, oldest first. */
  listSetAside(): ReturnType<SetAside['list']>
  depth(): JournalDepth
  /**
   * Finds out whether a disk that failed is well again, without a record.
   *
   * @throws errors of the disk.
   */
  tryDisk(): Promise<void>
  /** Refuses more, waits for what is being written and for a batch that is being taken, and frees the folder. */
  close(): Promise<void>
}

export interface JournalDepth {
  records: number
  bytes: number
  /** Age of the oldest record that waits; null when none does. */
  oldestAgeMs: number | null
  /** What all files take of the disk, of `bytesMax`. */
  usedBytes: number
  bytesMax: number
  setAside: number
  /** Segments that are kept because something in them could not be read. */
  damaged: number
  /** The disk refused the last write, and was not found to be well since. */
  isFailing: boolean
}

const PENDING_BYTES_MAX = 64 * 1024 * 1024
const BATCH_BYTES_MAX = 8 * 1024 * 1024

/**
 * Opens the journal and finds what a dead process left in it; every segment is read once.
 *
 * @throws JournalLocked when another process uses the folder; errors of the disk as Node gives them.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { folder, disk = NODE_DISK } = options
  if (options.segmentBytesMax > options.bytesMax)
    throw new RangeError('segmentBytesMax is more than bytesMax')
  await makeFolder(disk, folder)
  const unlock = lockFolder(folder)
  try {
    const shelf = await openShelf(folder, disk, options.log)
    const setAside = await openSetAside(path.join(folder, 'set-aside'), disk)
    return serve(shelf, setAside, { ...options, disk }, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

function serve(
  shelf: Shelf,
  setAside: SetAside,
  options: JournalOptions & { disk: Disk },
  unlock: () => void,
): Journal {
  const { bytesMax, segmentBytesMax, log, now } = options
  const usedBytes = () => shelf.usedBytes() + setAside.usedBytes()
  const appender = createAppender({
    writer: createSegmentWriter(shelf, segmentBytesMax),
    usedBytes,
    bytesMax,
    pendingBytesMax: options.pendingBytesMax ?? PENDING_BYTES_MAX,
    batchBytesMax: Math.min(BATCH_BYTES_MAX, segmentBytesMax),
    log,
    now,
  })
  let draining: Promise<Drained> | undefined
  let closing: Promise<void> | undefined

  /** Two drains would give the same records twice. */
  async function alone(drain: () => Promise<Drained>): Promise<Drained> {
    if (draining || closing) throw new Error('a drain is under way, or the journal is closed')
    draining = drain()
    try {
      return await draining
    } finally {
      draining = undefined
    }
  }

  async function closeAll(): Promise<void> {
    await Promise.all([appender.close(), Promise.allSettled([draining])])
    unlock()
  }

  return {
    append: (record) => appender.append(record),
    drain: (take, signal) =>
      alone(() =>
        drainAll(
          { ...options, shelf, appender, setAside },
          take,
          () => closing !== undefined || signal?.aborted === true,
        ),
      ),
    drainSetAside: (take) => alone(() => drainSetAside(setAside, take)),
    listSetAside: () => setAside.list(),
    depth: () =>
      depthOf(shelf, setAside, { usedBytes: usedBytes(), bytesMax, isFailing: appender.isFailing() }, now()),
    async tryDisk() {
      await tryDisk(options.disk, options.folder)
      appender.noteWell()
    },
    close: () => (closing ??= closeAll()),
  }
}

async function drainSetAside(setAside: SetAside, take: Take): Promise<Drained> {
  const drained = { taken: 0, setAside: 0 }
  for await (const { file, record } of setAside.list()) {
    const refused: { record: KeptRecord }[] = await take([record])
    if (refused.length > 0) drained.setAside += 1
    else {
      await setAside.remove(file)
      drained.taken += 1
    }
  }
  return drained
}

function depthOf(
  { segments, damagedFiles }: Shelf,
  setAside: SetAside,
  rest: Pick<JournalDepth, 'usedBytes' | 'bytesMax' | 'isFailing'>,
  now: Date,
): JournalDepth {
  const waiting = segments.map((segment) => segment.waiting)
  const oldestAt = waiting.map((one) => one.oldestAt).filter((at) => at !== null)
  return {
    records: waiting.reduce((sum, { records }) => sum + records, 0),
    bytes: waiting.reduce((sum, { bytes }) => sum + bytes, 0),
    oldestAgeMs: oldestAt.length === 0 ? null : Math.max(0, now.getTime() - Math.min(...oldestAt)),
    setAside: setAside.count(),
    damaged: damagedFiles() + segments.filter(({ isDamaged }) => isDamaged).length,
    ...rest,
  }
}
