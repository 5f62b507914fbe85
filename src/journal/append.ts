import type { Log } from '../platform/log.ts'
import { JournalClosed, JournalFailed, JournalFull, JournalRecordTooLarge } from './failure.ts'
import { type JournalRecord, type Payload, payloadOf, RECORD_BYTES_MAX, sizeOf } from './record.ts'
import type { Segment } from './segment.ts'
import type { SegmentWriter } from './write-segment.ts'

export interface Appender {
  append(record: JournalRecord): Promise<void>
  /**
   * Makes sure that nothing more is written into a segment. When a batch is under way into it, waits for that and
   * gives false: then there is more to read.
   */
  leave(segment: Segment): Promise<boolean>
  /** Whether the disk refused the last batch, and was not found to be well since. */
  isFailing(): boolean
  noteWell(): void
  /** Refuses more, and resolves when everything that waits is stored or refused. */
  close(): Promise<void>
}

export interface AppenderOptions {
  writer: SegmentWriter
  /** What the journal takes of the disk already. */
  usedBytes(): number
  /** What it may take. */
  bytesMax: number
  /** Of records that wait for the disk, unless one alone is larger. */
  pendingBytesMax: number
  /** What is written at once, unless a single record is larger. */
  batchBytesMax: number
  log: Log
  now(): Date
}

interface Waiting {
  payload: Payload
  bytes: number
  resolve(): void
  reject(error: Error): void
}

const BATCH_RECORDS_MAX = 1024

/** Concurrent appends share a write and an fdatasync: one batch is in flight, what comes meanwhile is the next one. */
export function createAppender(options: AppenderOptions): Appender {
  const { writer, usedBytes, bytesMax, pendingBytesMax, batchBytesMax, log, now } = options
  const queue: Waiting[] = []
  let pendingBytes = 0
  let writing: Promise<void> | undefined
  let batchUnderWay: Promise<void> | undefined
  let isFailing = false
  let isClosed = false

  async function writeAll(): Promise<void> {
    // One turn of the loop lets records that came together share the first write.
    await new Promise(setImmediate)
    while (queue.length > 0) {
      batchUnderWay = writeBatch(takeBatch(queue, batchBytesMax))
      await batchUnderWay
      batchUnderWay = undefined
    }
    writing = undefined
  }

  async function writeBatch(batch: Waiting[]): Promise<void> {
    const failure = await writer.write(batch.map(({ payload }) => payload)).then(reportSuccess, reportFailure)
    for (const item of batch) {
      pendingBytes -= item.bytes
      if (failure) item.reject(failure)
      else item.resolve()
    }
  }

  function reportSuccess(): undefined {
    if (isFailing) log.info({}, "the journal's disk works again")
    isFailing = false
  }

  function reportFailure(cause: Error): JournalFailed {
    if (!isFailing) log.error({ err: cause }, "the journal's disk failed; nothing is acknowledged from there")
    isFailing = true
    return new JournalFailed(`the journal's disk failed: ${cause.message}`, { cause })
  }

  function refusalOf(bytes: number): Error | undefined {
    if (isClosed) return new JournalClosed()
    const recordBytesMax = Math.min(bytesMax, RECORD_BYTES_MAX)
    if (bytes > recordBytesMax) return new JournalRecordTooLarge(bytes, recordBytesMax)
    if (pendingBytes > 0 && pendingBytes + bytes > pendingBytesMax)
      return new JournalFull("too much waits for the journal's disk")
    if (usedBytes() + pendingBytes + bytes > bytesMax) {
      return new JournalFull(`the journal has filled its ${bytesMax} bytes`)
    }
    return undefined
  }

  return {
    async append(record) {
      const payload = payloadOf(record, now())
      const bytes = sizeOf(payload)
      const refusal = refusalOf(bytes)
      if (refusal) throw refusal
      pendingBytes += bytes
      await new Promise<void>((resolve, reject) => {
        queue.push({ payload, bytes, resolve, reject })
        writing ??= writeAll()
      })
    },
    noteWell: reportSuccess,
    async leave(segment) {
      if (writer.current() !== segment) return true
      if (batchUnderWay) {
        await batchUnderWay
        return false
      }
      await writer.leave()
      return true
    },
    isFailing: () => isFailing,
    async close() {
      isClosed = true
      await writing
      await writer.leave()
    },
  }
}

function takeBatch(queue: Waiting[], bytesMax: number): Waiting[] {
  let bytes = 0
  const end = queue.findIndex((item, index) => {
    bytes += item.bytes
    return index > 0 && (index >= BATCH_RECORDS_MAX || bytes > bytesMax)
  })
  return queue.splice(0, end === -1 ? queue.length : end)
}
