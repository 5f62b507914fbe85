import type { Sql } from '../platform/postgres.ts'
import type { Witness } from '../platform/witness.ts'
import { decide } from './snapshots.ts'
import { storableText } from './storable-text.ts'

/** The state from which alone an operator releases or discards. */
const HELD = 'quarantined'

/**
 * Lets an event out of quarantine with its first run. False when it is not held: of several operators who release or
 * discard it at the same moment one succeeds, because each waits for the row and then finds it moved.
 */
export async function releaseEvent(
  sql: Sql,
  release: { eventId: string; runId: string; definitionVersion: number },
  witness: Witness | undefined,
): Promise<boolean> {
  return decide(sql, 'event', release.eventId, witness, async (transaction) => {
    const rows = await transaction`
      WITH event AS (
        UPDATE events SET state = 'queued', latest_run_id = ${release.runId}
        WHERE id = ${release.eventId} AND state = ${HELD}
        RETURNING id, application_id, integration_id
      )
      INSERT INTO runs (id, event_id, application_id, integration_id, definition_version, cause, state, queued_at)
      SELECT ${release.runId}::uuid, id, application_id, integration_id, ${release.definitionVersion}, 'released', 'queued', now()
      FROM event RETURNING id`
    return rows.length === 1
  })
}

/** Ends an event in quarantine without a run. False when it is not held. */
export async function discardEvent(
  sql: Sql,
  eventId: string,
  reason: string,
  witness: Witness | undefined,
): Promise<boolean> {
  return decide(sql, 'event', eventId, witness, async (transaction) => {
    const rows = await transaction`
      UPDATE events SET state = 'discarded', reason = ${storableText(reason)}
      WHERE id = ${eventId} AND state = ${HELD} RETURNING id`
    return rows.length === 1
  })
}

/** How many events of an integration are held, counted no further than `max`. */
export async function countQuarantined(sql: Sql, integrationId: string, max: number): Promise<number> {
  // The state is written out, so that the planner knows the index to be the right one.
  const [row] = await sql<{ held: number }[]>`
    SELECT count(*)::int AS held FROM (
      SELECT FROM events WHERE integration_id = ${integrationId} AND state = 'quarantined' LIMIT ${max}) AS found`
  return row?.held ?? 0
}

/** How many events are held, by integration; the limit of each holds for their number. */
export async function countAllQuarantined(sql: Sql): Promise<Map<string, number>> {
  const rows = await sql<{ integrationId: string; held: number }[]>`
    SELECT integration_id AS "integrationId", count(*)::int AS held
    FROM events WHERE state = 'quarantined' GROUP BY integration_id`
  return new Map(rows.map(({ integrationId, held }) => [integrationId, held]))
}
