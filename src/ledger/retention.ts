import type { Sql, Transaction } from '../platform/postgres.ts'
import { PARTITIONED_TABLES, type PartitionedTable } from './partitions.ts'
import { boundsOf, goes, type RowRange, stayingIds, stayingRows } from './retention-rows.ts'

/** A day that is past what is kept, in one of the tables. */
export interface ExpiredDay extends RowRange {
  start: Date
}

/** What became of it. */
export type Emptied =
  /** So many rows stay: what is not finished, with all that belongs to it. `changed` is false when none was to go. */
  | { kept: number; changed: boolean }
  /** Nothing was changed. With `tooMany` the rows that go have to be deleted one by one. */
  | { postponed: string; tooMany: boolean }

const DAY_MS = 86_400_000

/** Events first: what belongs to them goes when they are gone. */
export const DROPPED_IN_ORDER: readonly PartitionedTable[] = [
  'events',
  'requests',
  'runs',
  'node_results',
  'deliveries',
  'attempts',
]

/** Any number; processes that would empty the same day take turns by it. */
const RETENTION_LOCK = 7_583_024
/** A long search holds a partition, and others must not wait long behind us for it. */
const LOCK_WAIT_MS = 1_000
/** Acks wait behind this one. */
const PARENT_LOCK_WAIT_MS = 300
/** With the partition locked. */
const STATEMENT_MS_MAX = 10_000
/** More are not put aside and back while others wait. */
const STAYING_MAX = 50_000

/** The days that have ended by then, oldest first and each in the order in which its tables are emptied. */
export async function findExpiredDays(sql: Sql, by: Date): Promise<ExpiredDay[]> {
  const rows = await sql<{ table: PartitionedTable; leaf: string }[]>`
    SELECT parent.relname AS table, day.relname AS leaf
    FROM pg_inherits JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class day ON day.oid = inhrelid
    WHERE parent.relname = ANY(${[...DROPPED_IN_ORDER]}::text[]) AND parent.relkind = 'p'
      AND pg_table_is_visible(parent.oid) AND day.relname ~ '_[0-9]{8}$'`
  const days = rows.map((row) => {
    const start = dayOf(row.leaf)
    return { ...row, start, end: new Date(start.getTime() + DAY_MS) }
  })
  const place = (table: PartitionedTable) => DROPPED_IN_ORDER.indexOf(table)
  return days
    .filter(({ end }) => end <= by)
    .toSorted((a, b) => a.start.getTime() - b.start.getTime() || place(a.table) - place(b.table))
}

/**
 * Empties the partition of a day at once, but for the rows that stay: they are put aside and back while nobody else
 * reads it. Its table is not locked, so that no ack waits.
 */
export async function emptyDay(sql: Sql, day: ExpiredDay): Promise<Emptied> {
  const [found] = await sql.unsafe<{ any: boolean }[]>(
    `SELECT EXISTS (SELECT FROM ${day.leaf} x WHERE ${goes(day)}) AS any`,
  )
  if (!found?.any) return { kept: await countOf(sql, day.leaf), changed: false }
  try {
    return await emptyNow(sql, day)
  } catch (error) {
    if (isInUse(error)) return { postponed: 'it is in use', tooMany: false }
    throw error
  }
}

function emptyNow(sql: Sql, day: ExpiredDay): Promise<Emptied> {
  return sql.begin(async (transaction): Promise<Emptied> => {
    const [turn] = await transaction<{ ours: boolean }[]>`
      SELECT pg_try_advisory_xact_lock(${RETENTION_LOCK}) AS ours`
    if (!turn?.ours) return { postponed: 'another process is at it', tooMany: false }
    if (!(await findStayingIds(transaction, day))) return tooMany(day)
    await transaction.unsafe(
      `SET LOCAL lock_timeout = ${LOCK_WAIT_MS}; LOCK TABLE ${day.leaf} IN ACCESS EXCLUSIVE MODE`,
    )
    await transaction.unsafe(
      `SET LOCAL statement_timeout = ${STATEMENT_MS_MAX}; SET LOCAL enable_seqscan = off;
       SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off`,
    )
    await transaction.unsafe(
      `CREATE TEMP TABLE staying ON COMMIT DROP AS ${stayingRows(day)} LIMIT ${STAYING_MAX + 1}`,
    )
    const kept = await countOf(transaction, 'staying')
    if (kept > STAYING_MAX) return tooMany(day)
    await transaction.unsafe(`TRUNCATE ${day.leaf}`)
    await transaction.unsafe(`INSERT INTO ${day.leaf} SELECT * FROM staying`)
    return { kept, changed: true }
  })
}

async function findStayingIds(transaction: Transaction, day: ExpiredDay): Promise<boolean> {
  const ids = stayingIds(day)
  if (ids === undefined) return true
  await transaction.unsafe(
    `CREATE TEMP TABLE staying_ids ON COMMIT DROP AS SELECT id FROM (${ids}) AS found LIMIT ${STAYING_MAX + 1}`,
  )
  return (await countOf(transaction, 'staying_ids')) <= STAYING_MAX
}

async function countOf(sql: Sql | Transaction, table: string): Promise<number> {
  const [row] = await sql.unsafe<{ rows: number }[]>(`SELECT count(*)::int AS rows FROM ${table}`)
  return row?.rows ?? 0
}

function tooMany({ table }: ExpiredDay): Emptied {
  const what = table.replace('_', ' ')
  return {
    postponed: `more than ${STAYING_MAX} ${what} of that day are not finished, or are dead letters`,
    tooMany: true,
  }
}

/**
 * Drops the partition of a day in which nothing is left. False when something is, or it is in use: acks wait behind
 * this lock, so it is not waited for long.
 */
export async function dropEmptyDay(sql: Sql, { table, leaf }: ExpiredDay): Promise<boolean> {
  if ((await countOf(sql, leaf)) > 0) return false
  try {
    return await sql.begin(async (transaction) => {
      await transaction.unsafe(
        `SET LOCAL lock_timeout = ${PARENT_LOCK_WAIT_MS}; LOCK TABLE ONLY ${table} IN ACCESS EXCLUSIVE MODE`,
      )
      await transaction.unsafe(`LOCK TABLE ${leaf} IN ACCESS EXCLUSIVE MODE`)
      const [row] = await transaction.unsafe<{ any: boolean }[]>(`SELECT EXISTS (SELECT FROM ${leaf}) AS any`)
      if (row?.any) return false
      await transaction.unsafe(`DROP TABLE ${leaf}`)
      return true
    })
  } catch (error) {
    if (isInUse(error)) return false
    throw error
  }
}

/** SQLSTATE lock_not_available, deadlock_detected, and query_canceled by the time-out. */
const IN_USE: ReadonlySet<unknown> = new Set(['55P03', '40P01', '57014'])

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && IN_USE.has(error.code)
}

/** What is as old and lies in no day: it came after its day was dropped, or a clock was wrong. */
export function rowsWithoutDay(end: Date): RowRange[] {
  return DROPPED_IN_ORDER.map((table) => ({ table, leaf: `${table}_default`, start: undefined, end }))
}

/**
 * Deletes so many of a partition's rows that are to go, one by one: where a partition has no day of its own, or too many
 * of its rows stay. Gives how many it deleted; fewer than the limit means that there are no more.
 */
export async function deleteRows(sql: Sql, range: RowRange, limit: number): Promise<number> {
  const { from, to } = boundsOf(range)
  const column = PARTITIONED_TABLES[range.table]
  return sql.begin(async (transaction) => {
    // An event is looked at again when it is locked: somebody may have made work of it meanwhile.
    const lock = range.table === 'events' ? 'FOR UPDATE SKIP LOCKED' : ''
    const going = `x.${column} >= '${from}' AND x.${column} < '${to}' AND ${goes(range)}`
    const rows = await transaction.unsafe<{ ctid: string }[]>(
      `SELECT x.ctid::text FROM ${range.leaf} x WHERE ${going} LIMIT ${limit} ${lock}`,
    )
    const deleted = await transaction.unsafe(
      `DELETE FROM ${range.leaf} x WHERE x.ctid = ANY($1::text[]::tid[]) AND ${going} RETURNING 1`,
      [rows.map(({ ctid }) => ctid)],
    )
    return deleted.length
  })
}

function dayOf(leaf: string): Date {
  const [, year, month, day] = /_([0-9]{4})([0-9]{2})([0-9]{2})$/.exec(leaf) ?? []
  return new Date(`${year}-${month}-${day}T00:00:00Z`)
}
