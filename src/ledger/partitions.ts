import { firstIdAt } from '../platform/ids.ts'
import type { Sql } from '../platform/postgres.ts'

const PARTITIONED_TABLES = {
  requests: 'id',
  events: 'id',
  runs: 'id',
  node_results: 'run_id',
  deliveries: 'id',
  attempts: 'id',
} as const

const DAY_MS = 86_400_000

/** Any number; it only has to be the same in every process that makes partitions. */
const PARTITION_LOCK = 7_583_022

/**
 * Makes the partitions of today and the days ahead. Every process does so at start and from time to time, so
 * that no role is needed for acks to go on; a day that could not be made is covered by the default partition.
 */
export async function makePartitions(sql: Sql, now: Date, daysAhead: number): Promise<void> {
  const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS
  const missing = await missingPartitions(sql, partitionsFrom(today, daysAhead))
  if (missing.length === 0) return
  await sql.begin(async (transaction) => {
    await transaction`SELECT pg_advisory_xact_lock(${PARTITION_LOCK})`
    for (const { name, table, from, to } of missing) {
      if (await defaultHolds(transaction as unknown as Sql, table, from, to)) continue
      await transaction.unsafe(
        `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF ${table} FOR VALUES FROM ('${from}') TO ('${to}')`,
      )
    }
  })
}

interface Partition {
  name: string
  table: keyof typeof PARTITIONED_TABLES
  from: string
  to: string
}

function partitionsFrom(today: number, daysAhead: number): Partition[] {
  const tables = Object.keys(PARTITIONED_TABLES) as (keyof typeof PARTITIONED_TABLES)[]
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

/** A partition cannot be made over rows that the default partition already took; those days stay there. */
async function defaultHolds(sql: Sql, table: Partition['table'], from: string, to: string): Promise<boolean> {
  const column = PARTITIONED_TABLES[table]
  const [row] = await sql.unsafe<{ held: boolean }[]>(
    `SELECT EXISTS (SELECT 1 FROM ${table}_default WHERE ${column} >= $1 AND ${column} < $2) AS held`,
    [from, to],
  )
  return row?.held ?? false
}
