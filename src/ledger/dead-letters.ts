import type { Sql } from '../platform/postgres.ts'

/** A destination or integration, and since when dead letters count. */
export interface DeadAsked {
  id: string
  since: Date
}

export interface DeadFound {
  id: string
  /** Counted no further than asked. */
  count: number
  /** Why the latest of them died. */
  reason: string | null
}

/**
 * Dead deliveries by destination. What a newer run of its event has replaced was dealt with and does not count.
 *
 * The states are written out, so that the planner knows the partial index to be the right one.
 */
export async function countDeadDeliveries(
  sql: Sql,
  asked: readonly DeadAsked[],
  max: number,
): Promise<DeadFound[]> {
  const rows = await sql<DeadFound[]>`
    SELECT asked.id, dead.count, dead.reason
    FROM ${askedRows(sql, asked)} asked(id, since) CROSS JOIN LATERAL (
      SELECT count(*)::int AS count, (array_agg(reason ORDER BY ended_at DESC))[1] AS reason FROM (
        SELECT delivery.reason, delivery.ended_at
        FROM deliveries delivery JOIN events event ON event.id = delivery.event_id
        WHERE delivery.destination_id = asked.id::uuid AND delivery.state = 'dead'
          AND delivery.ended_at >= asked.since
          AND event.latest_run_id = delivery.run_id AND event.state IN ('delivering', 'dead')
        ORDER BY delivery.ended_at DESC LIMIT ${max}) AS latest) AS dead
    WHERE dead.count > 0`
  return [...rows]
}

/** Runs that died before they made any delivery, by integration. */
export async function countDeadRuns(
  sql: Sql,
  asked: readonly DeadAsked[],
  max: number,
): Promise<DeadFound[]> {
  const rows = await sql<DeadFound[]>`
    SELECT asked.id, dead.count, dead.reason
    FROM ${askedRows(sql, asked)} asked(id, since) CROSS JOIN LATERAL (
      SELECT count(*)::int AS count, (array_agg(reason ORDER BY ended_at DESC))[1] AS reason FROM (
        SELECT run.reason, run.ended_at
        FROM runs run JOIN events event ON event.id = run.event_id
        WHERE run.integration_id = asked.id AND run.state = 'dead' AND run.deliveries_dead = 0
          AND run.ended_at >= asked.since AND event.latest_run_id = run.id AND event.state = 'dead'
        ORDER BY run.ended_at DESC LIMIT ${max}) AS latest) AS dead
    WHERE dead.count > 0`
  return [...rows]
}

function askedRows(sql: Sql, asked: readonly DeadAsked[]) {
  const ids = asked.map(({ id }) => id)
  const sinces = asked.map(({ since }) => since.toISOString())
  return sql`unnest(${ids}::text[], ${sinces}::timestamptz[])`
}
