import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import { isRunning } from './process-table.ts'

/**
 * Proof that this Sluice is the only one on its home: a lock that the database holds for as long as one connection
 * lives, so it ends with the process however that ends.
 */
export interface HomeLock {
  /** Settles when the connection, and with it the lock, is gone. */
  lost: Promise<void>
  release(): Promise<void>
}

export type LockAttempt =
  | { lock: HomeLock }
  | { holder: number | null }
  | { unreachable: string }
  | { wrongPassword: true }

/** Two halves of one key: any numbers, the same in every Sluice. */
const LOCK_KEY = [7_583, 1] as const
const NAME = 'sluice home lock, process'
/** How long the server may take to notice that a killed holder's connection is closed. */
const DEAD_HOLDER_WAIT_MS = 5_000
const POLL_MS = 50

/**
 * Takes the lock for the process `pid`. It lies in the database `postgres`, which every cluster has: such locks count
 * within one database.
 */
export async function takeHomeLock(adminUrl: string, pid: number): Promise<LockAttempt> {
  const lost = Promise.withResolvers<void>()
  const sql = postgres(adminUrl, {
    max: 1,
    // The connection must never be closed by our side while the lock is wanted; the library renews old ones by default.
    max_lifetime: null,
    idle_timeout: undefined,
    connect_timeout: 5,
    fetch_types: false,
    connection: { application_name: `${NAME} ${pid}` },
    onnotice: () => {},
    onclose: () => lost.resolve(),
  })
  const attempt = await tryLock(sql).catch(describeFailure)
  if (attempt === 'held') return { lock: { lost: lost.promise, release: () => sql.end({ timeout: 1 }) } }
  await sql.end({ timeout: 1 })
  return attempt
}

async function tryLock(sql: postgres.Sql): Promise<'held' | { holder: number | null }> {
  const deadline = Date.now() + DEAD_HOLDER_WAIT_MS
  for (;;) {
    const [row] = await sql<{ held: boolean }[]>`
      SELECT pg_try_advisory_lock(${LOCK_KEY[0]}::int, ${LOCK_KEY[1]}::int) AS held`
    if (row?.held) return 'held'
    const holder = await findHolder(sql)
    const mayEnd = holder === null || !(await isRunning(holder))
    if (!mayEnd || Date.now() > deadline) return { holder }
    await wait(POLL_MS)
  }
}

async function findHolder(sql: postgres.Sql): Promise<number | null> {
  const [row] = await sql<{ application_name: string }[]>`
    SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND classid = ${LOCK_KEY[0]} AND objid = ${LOCK_KEY[1]} AND objsubid = 2`
  return row?.application_name.startsWith(NAME) ? Number(row.application_name.slice(NAME.length)) : null
}

function describeFailure(error: unknown): LockAttempt {
  const { code, message } = error as { code?: string; message: string }
  if (code === '28P01') return { wrongPassword: true }
  return { unreachable: message || code || 'no answer' }
}
