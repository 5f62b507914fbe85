import type { Transaction } from '../platform/postgres.ts'

/** What a destination allows, and what of it is left. */
export interface PlacesRule {
  destinationId: string
  /** Pushes in the queue and under way at once, all workers together. */
  concurrencyMax: number
  /** So many in any span of so many seconds. */
  rateMax: { count: number; perSeconds: number } | null
}

export interface Released {
  id: string
  destinationId: string
  tries: number
  priority: number
}

export interface Left {
  destinationId: string
  waiting: boolean
  held: boolean
  /** Until a rate, a circuit or the wait of a batch lets more go; null where it is none of these. */
  againInMs: number | null
}

/** At most a tenth of what a span allows goes at once, so that bursts need not be paced one by one. */
const BURST_SHARE = 10

/** As {@link RULE} reads it. With a burst of b and an interval of i, no span of length s sees more than b - 1 + s / i. */
export function ruleRow({ destinationId, concurrencyMax, rateMax }: PlacesRule): object {
  const limits = { destination_id: destinationId, concurrency_max: concurrencyMax }
  if (rateMax === null) return limits
  const burst = Math.max(1, Math.floor(rateMax.count / BURST_SHARE))
  const intervalMs = (rateMax.perSeconds * 1_000) / (rateMax.count - burst + 1)
  return { ...limits, interval_ms: intervalMs, burst_ms: (burst - 1) * intervalMs }
}

/**
 * `rule`: of each rule in $1, the places that are free now and how many pushes its rate allows, at most $2.
 *
 * The rate is paced by the moment from which the next may go at an even pace (the "virtual scheduling" form of GCRA,
 * ITU-T I.371). An open circuit lets one through when its time has come and no other is under way.
 *
 * @param underWay a select of how many pushes are under way to `given.destination_id`
 */
export const RULE = (underWay: string) => `rule AS MATERIALIZED (
  SELECT given.*, state.paused_at IS NOT NULL OR state.opened_at IS NOT NULL AS held,
         state.opened_at IS NOT NULL AS opened, state.probe_at,
         greatest(state.rate_free_at, now()) AS rate_from,
         CASE WHEN state.paused_at IS NOT NULL THEN 0
              WHEN state.opened_at IS NULL THEN given.concurrency_max - (${underWay})
              WHEN state.probe_at <= now() AND NOT EXISTS (
                SELECT FROM deliveries WHERE id = state.probe_delivery_id AND state IN ('queued', 'sending')) THEN 1
              ELSE 0 END AS places,
         CASE WHEN given.interval_ms IS NULL THEN $2::int
              ELSE floor(1 + (given.burst_ms - extract(epoch FROM greatest(state.rate_free_at, now()) - now()) * 1000)
                             / given.interval_ms) END AS allowed
  FROM json_to_recordset($1::text::json) AS given(
    destination_id uuid, concurrency_max int, interval_ms float, burst_ms float)
  LEFT JOIN destination_states state ON state.destination_id = given.destination_id
)`

/** What says when the next of a destination may go. */
export interface Pace {
  opened: boolean
  /** Between two at an even pace; null without a rate. */
  intervalMs: number | null
  /** Until the first may go, or might; past when time is not what holds it. */
  againInMs: number | null
}

/** A {@link Pace}, as columns of `rule`. */
export const PACE = `rule.opened, rule.interval_ms AS "intervalMs",
       (CASE WHEN rule.opened THEN extract(epoch FROM rule.probe_at - now()) * 1000
             WHEN rule.interval_ms IS NOT NULL
             THEN extract(epoch FROM rule.rate_from - now()) * 1000 - rule.burst_ms
        END)::float AS "againInMs"`

const NOTE = `
INSERT INTO destination_states AS known (destination_id, rate_free_at, probe_delivery_id)
SELECT $1::uuid, greatest(state.rate_free_at, now()) + make_interval(secs => $2::float / 1000), $3::uuid
FROM (SELECT) AS one LEFT JOIN destination_states state ON state.destination_id = $1::uuid
ON CONFLICT (destination_id) DO UPDATE
SET rate_free_at = coalesce(EXCLUDED.rate_free_at, known.rate_free_at),
    probe_delivery_id = coalesce(EXCLUDED.probe_delivery_id, known.probe_delivery_id)`

/** Remembers what went, where that decides when the next may go; gives the time that it takes of the rate. */
export async function noteReleased(
  transaction: Transaction,
  destinationId: string,
  { opened, intervalMs }: Pace,
  released: readonly { id: string }[],
): Promise<number> {
  const takenMs = intervalMs === null ? null : released.length * intervalMs
  const probeId = opened ? (released[0]?.id ?? null) : null
  if (released.length > 0 && (takenMs !== null || probeId !== null))
    await transaction.unsafe(NOTE, [destinationId, takenMs, probeId], { prepare: true })
  return takenMs ?? 0
}

/** Null where it is not the time that is waited for. */
export function laterMs({ againInMs, opened }: Pace, takenMs: number): number | null {
  if (againInMs === null) return null
  const ms = againInMs + (opened ? 0 : takenMs)
  return ms > 0 ? ms : null
}
