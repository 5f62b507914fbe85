import type { Sql } from '../platform/postgres.ts'
import { DROPPED_IN_ORDER, findExpiredDays } from './retention.ts'
import { KEPT_STATES } from './retention-rows.ts'

/** What a day of the ledger holds. */
export interface KeptDay {
  /** UTC, `2026-08-01`; null for what has no day of its own. */
  day: string | null
  /** Of all tables, with their indexes. */
  bytes: number
  /** Events, as the database last counted them. */
  events: number
  /** Of a day that is past what is kept: events of which something is still to be done. Null for the others. */
  unfinished: number | null
}

/** The days that there are, oldest first. */
export async function measureDays(sql: Sql, expiredBy: Date): Promise<KeptDay[]> {
  const rows = await sql<Omit<KeptDay, 'unfinished'>[]>`
    SELECT to_char(to_date(substring(leaf.relname from '_([0-9]{8})$'), 'YYYYMMDD'), 'YYYY-MM-DD') AS day,
           sum(pg_total_relation_size(leaf.oid))::float8 AS bytes,
           coalesce(sum(greatest(leaf.reltuples, 0)) FILTER (WHERE parent.relname = 'events'), 0)::float8 AS events
    FROM pg_inherits JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class leaf ON leaf.oid = inhrelid
    WHERE parent.relname = ANY(${[...DROPPED_IN_ORDER]}::text[]) AND parent.relkind = 'p'
      AND pg_table_is_visible(parent.oid)
    GROUP BY 1 ORDER BY 1 NULLS LAST`
  const unfinished = new Map<string, number>()
  for (const { table, leaf, start } of await findExpiredDays(sql, expiredBy)) {
    if (table === 'events') unfinished.set(start.toISOString().slice(0, 10), await countKept(sql, leaf))
  }
  return rows.map((row) => ({
    ...row,
    unfinished: row.day === null ? null : (unfinished.get(row.day) ?? null),
  }))
}

async function countKept(sql: Sql, leaf: string): Promise<number> {
  const [row] = await sql<{ events: number }[]>`
    SELECT count(*)::int AS events FROM ${sql(leaf)} WHERE state = ANY(${[...KEPT_STATES]}::text[])`
  return row?.events ?? 0
}
