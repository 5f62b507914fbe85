import type { Sql } from '../platform/postgres.ts'

/** A destination or integration, and how many failures in a row are too many. */
export interface StreakAsked {
  id: string
  length: number
}

export interface StreakFound {
  id: string
  /** Why the latest of them failed. */
  reason: string | null
}

/**
 * Destinations whose latest attempts all failed, as many as asked. An attempt whose end nobody saw counts neither way.
 */
export async function findFailingDestinations(
  sql: Sql,
  asked: readonly StreakAsked[],
): Promise<StreakFound[]> {
  const rows = await sql<StreakFound[]>`
    SELECT asked.id, latest.reason FROM ${askedRows(sql, asked)} asked(id, length) CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE verdict <> 'delivered') AS failed,
             (array_agg(reason ORDER BY id DESC))[1] AS reason
      FROM (SELECT id, verdict, reason FROM attempts
            WHERE destination_id = asked.id::uuid AND verdict <> 'interrupted' AND pushed_with IS NULL
            ORDER BY id DESC LIMIT asked.length) AS made) AS latest
    WHERE latest.failed = asked.length`
  return [...rows]
}

/**
 * Integrations whose latest runs all died at a rewrite function, as many as asked, and of whose newer events none got
 * further. A function that failed left a result without output, under its version.
 */
export async function findFailingFunctions(sql: Sql, asked: readonly StreakAsked[]): Promise<StreakFound[]> {
  const rows = await sql<StreakFound[]>`
    SELECT asked.id, latest.reason FROM ${askedRows(sql, asked)} asked(id, length) CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE deliveries_dead = 0 AND EXISTS (
               SELECT FROM node_results result WHERE result.run_id = dead.id AND result.outcome = 'failed'
                 AND result.function_version IS NOT NULL AND result.output IS NULL)) AS failed,
             (array_agg(reason ORDER BY ended_at DESC))[1] AS reason,
             -- There is no min() of uuids.
             (array_agg(event_id ORDER BY event_id))[1] AS first_event_id
      FROM (SELECT id, event_id, reason, ended_at, deliveries_dead FROM runs
            WHERE integration_id = asked.id AND state = 'dead'
            ORDER BY ended_at DESC LIMIT asked.length) AS dead) AS latest
    WHERE latest.failed = asked.length AND NOT EXISTS (
      SELECT FROM events event WHERE event.integration_id = asked.id AND event.id >= latest.first_event_id
        AND event.state IN ('delivering', 'delivered', 'filtered', 'empty', 'superseded'))`
  return [...rows]
}

function askedRows(sql: Sql, asked: readonly StreakAsked[]) {
  const ids = asked.map(({ id }) => id)
  const lengths = asked.map(({ length }) => length)
  return sql`unnest(${ids}::text[], ${lengths}::int[])`
}
