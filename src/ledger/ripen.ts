import type { Sql } from '../platform/postgres.ts'
import { statesBefore } from './states.ts'

export interface Ripe {
  /** Destinations of deliveries whose time has just come. */
  destinationIds: string[]
  /** Until the next one's time comes; null when none waits for its time. */
  nextInMs: number | null
}

/** The destinations with such deliveries, in steps from one to the next: not row by row. */
const destinationsWith = (condition: string) => `
  (SELECT destination_id FROM deliveries WHERE ${condition} ORDER BY destination_id LIMIT 1)
  UNION ALL
  SELECT (SELECT destination_id FROM deliveries WHERE ${condition} AND destination_id > found.id
          ORDER BY destination_id LIMIT 1)
  FROM found WHERE found.id IS NOT NULL`

const LATER = `state IN ('delayed', 'retrying')`

const DUE = `
WITH RECURSIVE found(id) AS (${destinationsWith(LATER)})
SELECT first.id FROM found CROSS JOIN LATERAL (
  SELECT id FROM deliveries WHERE destination_id = found.id AND ${LATER} AND due_at <= now()
  ORDER BY due_at LIMIT $1) AS first
LIMIT $1`

/** Those that are still due: the ids that are given say in which partitions to look. */
const RIPEN = `
UPDATE deliveries SET state = 'waiting'
WHERE id = ANY ($1::uuid[]) AND state = ANY ($2::text[]) AND id IN (
  SELECT id FROM deliveries WHERE id = ANY ($1::uuid[]) AND ${LATER} AND due_at <= now() FOR UPDATE SKIP LOCKED)
RETURNING destination_id AS "destinationId"`

const NEXT_DUE = `
WITH RECURSIVE found(id) AS (${destinationsWith(LATER)})
SELECT (extract(epoch FROM min(first.due_at) - now()) * 1000)::float AS "inMs"
FROM found CROSS JOIN LATERAL (
  SELECT due_at FROM deliveries WHERE destination_id = found.id AND ${LATER} ORDER BY due_at LIMIT 1) AS first`

const WAITING = `
WITH RECURSIVE found(id) AS (${destinationsWith(`state = 'waiting'`)})
SELECT id FROM found WHERE id IS NOT NULL`

/** Without parameters postgres.js would have a statement planned anew each time. */
const NAMED = { prepare: true, simple: false }

/** Lets delayed deliveries and retries whose time has come wait for their turn; so many in one go. */
export async function ripenDue(sql: Sql, limit: number): Promise<Ripe> {
  const due = await sql.unsafe<{ id: string }[]>(DUE, [limit], { prepare: true })
  const ids = due.map(({ id }) => id)
  const before = statesBefore('delivery', 'waiting')
  const rows =
    ids.length === 0
      ? []
      : await sql.unsafe<{ destinationId: string }[]>(RIPEN, [ids, before], { prepare: true })
  const [next] = await sql.unsafe<{ inMs: number | null }[]>(NEXT_DUE, [], NAMED)
  return {
    destinationIds: [...new Set(rows.map(({ destinationId }) => destinationId))],
    nextInMs: typeof next?.inMs === 'number' ? Math.max(0, next.inMs) : null,
  }
}

/** The destinations with deliveries that wait for their turn. */
export async function findWaitingDestinations(sql: Sql): Promise<string[]> {
  const rows = await sql.unsafe<{ id: string }[]>(WAITING, [], NAMED)
  return rows.map(({ id }) => id)
}
