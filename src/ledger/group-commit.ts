import postgres from 'postgres'
import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
import { bytesOf, type Entry, type Recorded, recordEntries } from './record.ts'

/** The ledger could not store in time: nothing may be acknowledged, the sender is to try later. */
export class LedgerUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LedgerUnavailable'
  }
}

export interface GroupCommit {
  /**
   * Resolves when the entry is durable.
   *
   * @param waitMs instead of the usual wait; to both is added what a large entry takes longer
   * @throws LedgerUnavailable when that did not happen within the wait, or too much is waiting already. It may have
   * been stored all the same, or be stored later.
   */
  record(entry: Entry, waitMs?: number): Promise<Recorded[]>
  /** Bytes of bodies that are not stored yet. */
  pendingBytes(): number
  /** Refuses more, and resolves when what is waiting is stored or given up. */
  close(): Promise<void>
}

export interface GroupCommitOptions {
  /**
   * Opens one connection of the commits' own: a batch must never wait for a query of somebody else. After a fault
   * another one is opened, because a connection that lost its server may never find it again.
   */
  connect(): Sql
  waitMs: number
  pendingBytesMax: number
  log: Log
}

interface Waiting {
  entry: Entry
  deadline: number
  settle: (result: Recorded[] | Error) => void
}

const BATCH_ENTRIES_MAX = 256
const BATCH_BYTES_MAX = 8 * 1024 * 1024
/** Ten times of what PostgreSQL takes where it has a processor to itself. */
const MS_PER_MIB = 50
/** Before the first try after a loss; doubled with each one that fails too. */
const RETRY_PAUSE_MS = 100
const RETRY_PAUSE_MS_MAX = 1_600
const EXPIRY_CHECK_MS = 50
const LATE_CHECK_MS = 300
const CLOSE_SECONDS = 1

/**
 * Concurrent requests share commits: one batch is in flight, everything that arrives meanwhile is the next one.
 * Under load the batches grow by themselves; alone, a request waits for nobody.
 */
export function createGroupCommit({
  connect,
  waitMs,
  pendingBytesMax,
  log,
}: GroupCommitOptions): GroupCommit {
  const unsettled = new Set<Waiting>()
  let queue: Waiting[] = []
  let sql = connect()
  let bytes = 0
  let inFlight: Waiting[] = []
  let committing = false
  let closed = false
  let failures = 0
  let checkedAtMs = 0
  /** This process, and not the database. */
  let stoodStill = false
  let tellSettled = () => {}

  async function commitAll(): Promise<void> {
    committing = true
    checkedAtMs = performance.now()
    const expiry = setInterval(expire, EXPIRY_CHECK_MS)
    // One turn of the loop lets requests that arrived together share the first commit.
    await new Promise(setImmediate)
    while (queue.length > 0) await commitBatch(takeBatch(queue))
    clearInterval(expiry)
    committing = false
  }

  async function commitBatch(batch: Waiting[]): Promise<void> {
    const open = batch.filter((item) => unsettled.has(item))
    if (open.length === 0) return
    inFlight = open
    try {
      const recorded = await recordEntries(sql, open.map(entryOf))
      noticeSuccess()
      open.forEach((item, index) => {
        item.settle(recorded[index] ?? [])
      })
    } catch (error) {
      await recoverBatch(open, error as Error)
    }
  }

  /**
   * After a row that PostgreSQL will not take, each entry is tried by itself; after a lost connection all are
   * tried again until their time is up. Both are safe because ids were fixed before the first try.
   */
  async function recoverBatch(batch: Waiting[], cause: Error): Promise<void> {
    if (isRefusedRow(cause)) return recordOneByOne(batch, cause)
    noticeFailure(cause)
    renewConnection()
    const pauseMs = Math.min(RETRY_PAUSE_MS * 2 ** (failures - 1), RETRY_PAUSE_MS_MAX)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    await commitBatch(batch)
  }

  /** One line when it begins and one when it is over, however many tries there are in between. */
  function noticeFailure(cause: Error): void {
    if (failures === 0) log.warn({ err: cause }, 'a batch could not be stored, it is tried again')
    failures += 1
  }

  function noticeSuccess(): void {
    if (failures > 0) log.info({ failures }, 'batches are stored again')
    failures = 0
  }

  async function recordOneByOne(batch: Waiting[], cause: Error): Promise<void> {
    const [only] = batch
    if (only && batch.length === 1) {
      log.error({ err: cause, requestId: only.entry.request.id }, 'PostgreSQL does not take this request')
      return only.settle(cause)
    }
    for (const item of batch) await commitBatch([item])
  }

  /**
   * A database that hangs rejects nothing by itself, so the clock does; and what is given up leaves the queue at
   * once, or its body would stay in memory for as long as the database hangs.
   */
  function expire(): void {
    const now = performance.now()
    stoodStill = !stoodStill && now - checkedAtMs > LATE_CHECK_MS
    checkedAtMs = now
    // The answer may lie unread: it is read before the next check.
    if (stoodStill) return
    for (const item of unsettled) {
      if (item.deadline <= now) item.settle(new LedgerUnavailable('the database did not answer in time'))
    }
    if (inFlight.length > 0 && !inFlight.some((item) => unsettled.has(item))) renewConnection()
    if (queue.some((item) => !unsettled.has(item))) queue = queue.filter((item) => unsettled.has(item))
  }

  /** Whatever was asked on the old connection fails, also where it would have hung for ever. */
  function renewConnection(): void {
    inFlight = []
    void sql.end({ timeout: 0 }).catch(() => {})
    sql = connect()
  }

  function enqueue(entry: Entry, size: number, allowedMs: number): Promise<Recorded[]> {
    return new Promise((resolve, reject) => {
      const item: Waiting = {
        entry,
        deadline: performance.now() + allowedMs + largerMs(entry),
        settle(result) {
          if (!unsettled.delete(item)) return
          bytes -= size
          if (unsettled.size === 0) tellSettled()
          if (result instanceof Error) reject(result)
          else resolve(result)
        },
      }
      bytes += size
      unsettled.add(item)
      queue.push(item)
      if (!committing) void commitAll()
    })
  }

  return {
    record(entry, allowedMs = waitMs) {
      const size = entry.request.body?.length ?? 0
      if (closed) return Promise.reject(new LedgerUnavailable('Sluice is stopping'))
      if (bytes + size > pendingBytesMax) {
        return Promise.reject(new LedgerUnavailable('too many requests are waiting to be stored'))
      }
      return enqueue(entry, size, allowedMs)
    },
    pendingBytes: () => bytes,
    async close() {
      closed = true
      if (unsettled.size > 0) {
        // Not for the commit under way: a database that hangs would never let it end.
        await new Promise<void>((resolve) => {
          tellSettled = resolve
        })
      }
      await sql.end({ timeout: CLOSE_SECONDS })
    },
  }
}

/** How much longer an entry may take to be stored because it is large. */
export function largerMs(entry: Entry): number {
  return (bytesOf(entry) / 2 ** 20) * MS_PER_MIB
}

function entryOf(item: Waiting): Entry {
  return item.entry
}

function takeBatch(queue: Waiting[]): Waiting[] {
  let bytes = 0
  const end = queue.findIndex(({ entry }, index) => {
    bytes += entry.request.body?.length ?? 0
    return index > 0 && (index >= BATCH_ENTRIES_MAX || bytes > BATCH_BYTES_MAX)
  })
  return queue.splice(0, end === -1 ? queue.length : end)
}

/** SQLSTATE classes 21 to 23 and 54: the statement's data is at fault, so another try would fail alike. */
function isRefusedRow(error: Error): boolean {
  return error instanceof postgres.PostgresError && /^(2[123]|54)/.test(error.code)
}
