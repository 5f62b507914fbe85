import { firstIdAt } from '../platform/ids.ts'
import type { Sql, Transaction } from '../platform/postgres.ts'

export const PARTITIONED_TABLES = {
  requests: 'id',
  events: 'id',
  runs: 'id',
  node_results: 'run_id',
  deliveries: 'id',
  attempts: 'id',
} as const

export type PartitionedTable = keyof typeof PARTITIONED_TABLES

const DAY_MS = 86_400_000

/** Any number; it only has to be the same in every process that makes partitions. */
const PARTITION_LOCK = 7_583_022
/** A long search holds the default partition; whoever comes after it must not wait for us in turn. */
const LOCK_WAIT_MS = 5_000

/**
 * Makes the partitions of today and the days ahead. Every process does so at start and from time to time, so
 * that no role is needed for acks to go on; a day that could not be made is covered by the default partition.
 *
 * @throws PostgresError when a partition could not be made in time; those before it are there.
 */
export async function makePartitions(sql: Sql, now: Date, daysAhead: number): Promise<void> {
  const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS
  const missing = await missingPartitions(sql, partitionsFrom(today, daysAhead))
  for (const partition of missing) await makePartition(sql, partition)
}

interface Partition {
  name: string
  table: PartitionedTable
  from: string
  to: string
}

function partitionsFrom(today: number, daysAhead: number): Partition[] {
  const tables = Object.keys(PARTITIONED_TABLES) as PartitionedTable[]
  return Array.from({ length: daysAhead + 1 }, (_, index) => today + index * DAY_MS).flatMap((day) =>
    tables.map((table) => ({
      name: `${table}_${new Date(day).toISOString().slice(0, 10).replaceAll('-', '')}`,
      table,
      from: firstIdAt(new Date(day)),
      to: firstIdAt(new Date(day + DAY_MS)),
    })),
  )
}

async function missingPartitions(sql: Sql, wanted: Partition[]): Promise<Partition[]> {
  const names = wanted.map((partition) => partition.name)
  const rows = await sql<{ relname: string }[]>`SELECT relname FROM pg_class WHERE relname IN ${sql(names)}`
  const present = new Set(rows.map((row) => row.relname))
  return wanted.filter((partition) => !present.has(partition.name))
}

/**
 * Attached, because creating it in its place would lock the parent: behind a long search that would stop every ack.
 * One transaction for each, because a transaction that locks two tables can deadlock with one that writes to them.
 */
async function makePartition(sql: Sql, { name, table, from, to }: Partition): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`SELECT pg_advisory_xact_lock(${PARTITION_LOCK})`
    await transaction.unsafe(`SET LOCAL lock_timeout = ${LOCK_WAIT_MS}`)
    const [there] = await transaction`SELECT 1 FROM pg_class WHERE relname = ${name}`
    if (there || (await defaultHolds(transaction, table, from, to))) return
    await transaction.unsafe(`CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL)`)
    await transaction.unsafe(
      `ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${from}') TO ('${to}')`,
    )
  })
}

/** A partition cannot be made over rows that the default partition already took; those days stay there. */
async function defaultHolds(
  sql: Transaction,
  table: Partition['table'],
  from: string,
  to: string,
): Promise<boolean> {
  const column = PARTITIONED_TABLES[table]
  const [row] = await sql.unsafe<{ held: boolean }[]>(
    `SELECT EXISTS (SELECT 1 FROM ${table}_default WHERE ${column} >= $1 AND ${column} < $2) AS held`,
    [from, to],
  )
  return row?.held ?? false
}
