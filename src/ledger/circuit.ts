import { firstIdAt } from '../platform/ids.ts'
import type { Sql } from '../platform/postgres.ts'

export interface CircuitRule {
  /** From 0 to 1: opens when so many of the latest attempts failed. */
  failureRate: number
  /** Fewer attempts than this say nothing. */
  attemptsMin: number
  /** Older attempts do not count. */
  windowSeconds: number
  /** Until the first probe; doubled with each that fails. */
  pauseSeconds: number
  pauseSecondsMax: number
}

/** What an attempt says of its destination, whatever it says of its payload. */
export type Health = 'well' | 'ill' | 'unclear'

export interface Settled {
  destinationId: string
  deliveryId: string
  /** The attempt was the probe of an open circuit. */
  probe: boolean
  health: Health
  /** Reasons of attempts that count as failures of the destination. */
  illReasons: readonly string[]
  /** Null for a destination without a circuit breaker. */
  rule: CircuitRule | null
  now: Date
}

/** As many say enough, and cost the same however busy the destination is. */
const LOOKED_AT_MAX = 100

/**
 * Opens or closes the circuit of a destination after an attempt, and says so when it did. An attempt that says
 * nothing bad about a destination whose circuit is closed costs nothing.
 */
export async function settleCircuit(sql: Sql, settled: Settled): Promise<'opened' | 'closed' | undefined> {
  if (settled.probe) return settleProbe(sql, settled)
  if (settled.health !== 'ill' || settled.rule === null) return undefined
  return openIfFailing(sql, settled, settled.rule)
}

async function settleProbe(
  sql: Sql,
  { destinationId, deliveryId, health, rule }: Settled,
): Promise<'closed' | undefined> {
  if (health === 'well' || rule === null) {
    const rows = await sql`
      UPDATE destination_states
      SET opened_at = NULL, open_reason = NULL, openings = 0, probe_at = NULL, probe_delivery_id = NULL,
          closed_at = now()
      WHERE destination_id = ${destinationId} AND probe_delivery_id = ${deliveryId} RETURNING 1`
    return rows.length === 1 ? 'closed' : undefined
  }
  // A probe that could not even be sent says nothing: the next one may go at once.
  const { pauseSeconds, pauseSecondsMax } = health === 'ill' ? rule : { pauseSeconds: 0, pauseSecondsMax: 0 }
  await sql`
    UPDATE destination_states
    SET openings = least(openings + ${health === 'ill' ? 1 : 0}, 30), probe_delivery_id = NULL,
        probe_at = now() + make_interval(secs => least(${pauseSeconds}::float * 2 ^ least(openings, 30), ${pauseSecondsMax}::float))
    WHERE destination_id = ${destinationId} AND probe_delivery_id = ${deliveryId}`
  return undefined
}

/** What is released and not yet taken waits again, uncounted. */
async function openIfFailing(
  sql: Sql,
  { destinationId, illReasons, now }: Settled,
  { windowSeconds, attemptsMin, failureRate, pauseSeconds }: CircuitRule,
): Promise<'opened' | undefined> {
  const since = firstIdAt(new Date(now.getTime() - windowSeconds * 1_000))
  const rows = await sql`
    WITH latest AS (
      SELECT attempt.reason FROM attempts attempt
      WHERE attempt.destination_id = ${destinationId} AND attempt.id >= ${since} AND attempt.verdict <> 'interrupted'
        AND attempt.pushed_with IS NULL
        AND attempt.started_at > coalesce(
          (SELECT closed_at FROM destination_states WHERE destination_id = ${destinationId}), '-infinity')
      ORDER BY attempt.id DESC LIMIT ${LOOKED_AT_MAX}
    ), counted AS (
      SELECT count(*) AS made,
             count(*) FILTER (WHERE split_part(reason, ':', 1) = ANY (${[...illReasons]}::text[])) AS failed
      FROM latest
    ), opened AS (
      INSERT INTO destination_states AS known (destination_id, opened_at, open_reason, openings, probe_at)
      SELECT ${destinationId}::uuid, now(), failed || ' of the latest ' || made || ' attempts failed', 1,
             now() + make_interval(secs => ${pauseSeconds}::float)
      FROM counted WHERE made >= ${attemptsMin} AND failed >= ${failureRate}::float * made
      ON CONFLICT (destination_id) DO UPDATE
      SET opened_at = EXCLUDED.opened_at, open_reason = EXCLUDED.open_reason, openings = 1,
          probe_at = EXCLUDED.probe_at, probe_delivery_id = NULL
      WHERE known.opened_at IS NULL
      RETURNING destination_id
    ), stood_back AS (
      UPDATE deliveries SET state = 'waiting' WHERE state = 'queued' AND id IN (
        SELECT id FROM deliveries
        WHERE destination_id = ${destinationId} AND state = 'queued' AND EXISTS (SELECT FROM opened)
        ORDER BY id FOR UPDATE)
    )
    SELECT FROM opened`
  return rows.length === 1 ? 'opened' : undefined
}
