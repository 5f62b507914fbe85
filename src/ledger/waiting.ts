import type { Sql } from '../platform/postgres.ts'

/** A destination, and how many waiting deliveries are too many. */
export interface BacklogAsked {
  id: string
  max: number
}

export interface BacklogFound {
  id: string
  /** Counted no further than one above the limit. */
  count: number
  /** When the oldest of them was made. */
  oldestAt: Date
}

/**
 * Destinations with more unfinished deliveries than asked; those between two tries count too. Deliveries that wait
 * for their turn, are under way, and wait for their time have an index each.
 */
export async function findBacklogs(sql: Sql, asked: readonly BacklogAsked[]): Promise<BacklogFound[]> {
  const ids = asked.map(({ id }) => id)
  const maxima = asked.map(({ max }) => max)
  const rows = await sql<BacklogFound[]>`
    SELECT asked.id, waiting.count, uuid_extract_timestamp(oldest.id) AS "oldestAt"
    FROM unnest(${ids}::uuid[], ${maxima}::int[]) asked(id, max)
    CROSS JOIN LATERAL (
      SELECT count(*)::int AS count FROM (
        (SELECT FROM deliveries WHERE destination_id = asked.id AND state = 'waiting' LIMIT asked.max + 1)
        UNION ALL
        (SELECT FROM deliveries WHERE destination_id = asked.id AND state IN ('queued', 'sending') LIMIT asked.max + 1)
        UNION ALL
        (SELECT FROM deliveries WHERE destination_id = asked.id AND state IN ('delayed', 'retrying') LIMIT asked.max + 1)
        LIMIT asked.max + 1) AS counted) AS waiting
    CROSS JOIN LATERAL (
      SELECT id FROM (
        (SELECT id FROM deliveries WHERE destination_id = asked.id AND state = 'waiting'
         ORDER BY priority, event_id, id LIMIT 1)
        UNION ALL
        (SELECT id FROM deliveries WHERE destination_id = asked.id AND state IN ('queued', 'sending')
         ORDER BY id LIMIT 1)
        UNION ALL
        (SELECT id FROM deliveries WHERE destination_id = asked.id AND state IN ('delayed', 'retrying')
         ORDER BY due_at LIMIT 1)) AS first
      ORDER BY id LIMIT 1) AS oldest
    WHERE waiting.count > asked.max`
  return [...rows]
}

export interface WaitingRuns {
  integrationId: string
  /** When the oldest of them was made. */
  oldestAt: Date
}

/** So many tell the age of the oldest well enough, and cost the same whatever the backlog is. */
const LOOKED_AT_MAX = 10_000

/**
 * The oldest unfinished run of each integration, among those that were put into the queue the longest ago. By when it
 * was made: the sweeper dates anew what it puts into the queue again.
 */
export async function findWaitingRuns(sql: Sql): Promise<WaitingRuns[]> {
  const rows = await sql<WaitingRuns[]>`
    SELECT integration_id AS "integrationId", min(uuid_extract_timestamp(id)) AS "oldestAt" FROM (
      SELECT id, integration_id FROM runs WHERE state IN ('queued', 'running')
      ORDER BY queued_at LIMIT ${LOOKED_AT_MAX}) AS waiting
    GROUP BY integration_id`
  return [...rows]
}
