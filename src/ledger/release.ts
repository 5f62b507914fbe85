import type { Sql, Transaction } from '../platform/postgres.ts'
import { statesBefore } from './states.ts'
import { supersedeOlder } from './supersede.ts'

/** What a destination allows. */
export interface ReleaseRule {
  destinationId: string
  /** Deliveries in the queue and being sent at once, all workers together. */
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

export interface Release {
  released: Released[]
  /** What is left at each destination that was asked for and free. */
  left: { destinationId: string; waiting: boolean; held: boolean; againInMs: number | null }[]
  /** Somebody else is releasing for these at this moment. */
  busy: string[]
}

/** Two numbers name an advisory lock; this one stands for releases. Any number. */
const RELEASES = 7_583_024
/** Of one destination in one go. */
const RELEASED_MAX = 1_000
/** At most a tenth of what a span allows goes at once, so that bursts need not be paced one by one. */
const BURST_SHARE = 10

/**
 * Releases waiting deliveries of these destinations, the highest priority and then the oldest event first, as many as
 * each allows. One goes at a time for each destination, and counts after it has locked, so that limits hold exactly
 * over all workers.
 *
 * A release need not be durable by itself: what is lost in a crash waits as before, and the commit that takes a
 * released delivery makes its release durable too.
 */
export async function release(sql: Sql, rules: readonly ReleaseRule[]): Promise<Release> {
  return sql.begin(async (transaction) => {
    const ids = rules.map(({ destinationId }) => destinationId)
    await transaction`SET LOCAL synchronous_commit = off`
    const locked = await transaction<{ id: string }[]>`
      SELECT id FROM unnest(${ids}::uuid[]) id WHERE pg_try_advisory_xact_lock(${RELEASES}, hashtext(id::text))`
    const free = new Set(locked.map(({ id }) => id))
    const busy = ids.filter((id) => !free.has(id))
    if (free.size === 0) return { released: [], left: [], busy }
    await supersedeOlder(transaction, [...free])
    return { ...(await releaseLocked(transaction, rules.filter(isFree))), busy }

    function isFree({ destinationId }: ReleaseRule): boolean {
      return free.has(destinationId)
    }
  }) as Promise<Release>
}

/**
 * A delivery with an order key is first when no earlier one of its key is unfinished, and no earlier event of its
 * integration has still to be walked, which might make one.
 */
const IS_FIRST = `(delivery.order_key IS NULL OR (
  NOT EXISTS (
    SELECT FROM deliveries earlier
    WHERE earlier.destination_id = delivery.destination_id AND earlier.order_key = delivery.order_key
      AND earlier.order_key IS NOT NULL AND earlier.state IN ('delayed', 'waiting', 'queued', 'sending', 'retrying')
      AND (earlier.event_id, earlier.id) < (delivery.event_id, delivery.id))
  AND NOT EXISTS (
    SELECT FROM runs WHERE integration_id = delivery.integration_id
      AND state IN ('queued', 'running', 'retrying')
      AND event_id < delivery.event_id)
  AND NOT (delivery.holds_on_dead AND EXISTS (
    SELECT FROM deliveries earlier JOIN events event ON event.id = earlier.event_id
    WHERE earlier.destination_id = delivery.destination_id AND earlier.order_key = delivery.order_key
      AND earlier.order_key IS NOT NULL AND earlier.state = 'dead'
      AND (earlier.event_id, earlier.id) < (delivery.event_id, delivery.id)
      AND event.latest_run_id = earlier.run_id))))`

/** Of one unique key nothing newer overtakes what is under way. */
const IS_ALONE = `(delivery.unique_key IS NULL OR NOT EXISTS (
  SELECT FROM deliveries other
  WHERE other.destination_id = delivery.destination_id AND other.unique_key = delivery.unique_key
    AND other.unique_key IS NOT NULL AND other.state IN ('queued', 'sending')))`

/**
 * The rate is paced by the moment from which the next may go at an even pace (the "virtual scheduling" form of GCRA,
 * ITU-T I.371). An open circuit lets one through when its time has come and no other is under way.
 */
const RELEASE = `
WITH rule AS MATERIALIZED (
  SELECT given.*, state.paused_at IS NOT NULL OR state.opened_at IS NOT NULL AS held,
         state.opened_at IS NOT NULL AS opened, state.probe_at,
         greatest(state.rate_free_at, now()) AS rate_from,
         CASE WHEN state.paused_at IS NOT NULL THEN 0
              WHEN state.opened_at IS NULL THEN given.concurrency_max - (
                SELECT count(*) FROM (
                  SELECT FROM deliveries WHERE destination_id = given.destination_id AND state IN ('queued', 'sending')
                  LIMIT given.concurrency_max) AS under_way)
              WHEN state.probe_at <= now() AND NOT EXISTS (
                SELECT FROM deliveries WHERE id = state.probe_delivery_id AND state IN ('queued', 'sending')) THEN 1
              ELSE 0 END AS places,
         CASE WHEN given.interval_ms IS NULL THEN $2::int
              ELSE floor(1 + (given.burst_ms - extract(epoch FROM greatest(state.rate_free_at, now()) - now()) * 1000)
                             / given.interval_ms) END AS allowed
  FROM json_to_recordset($1::text::json) AS given(
    destination_id uuid, concurrency_max int, interval_ms float, burst_ms float)
  LEFT JOIN destination_states state ON state.destination_id = given.destination_id
), picked AS MATERIALIZED (
  SELECT next.id FROM rule CROSS JOIN LATERAL (
    SELECT delivery.id, delivery.unique_key FROM deliveries delivery
    WHERE delivery.destination_id = rule.destination_id AND delivery.state = 'waiting'
      AND ${IS_FIRST} AND ${IS_ALONE}
    ORDER BY delivery.priority, delivery.event_id, delivery.id
    LIMIT greatest(least(rule.places, rule.allowed, $2::int), 0)) AS next
), released AS (
  UPDATE deliveries SET state = 'queued', queued_at = now()
  WHERE id = ANY (ARRAY(SELECT id FROM picked)) AND state = 'waiting' AND state = ANY ($3::text[])
  RETURNING id, destination_id, tries, priority, event_id
), counted AS (
  SELECT destination_id, count(*) AS many, (array_agg(id))[1] AS any_id FROM released GROUP BY destination_id
), noted AS (
  INSERT INTO destination_states AS known (destination_id, rate_free_at, probe_delivery_id)
  SELECT rule.destination_id, rule.rate_from + make_interval(secs => counted.many * rule.interval_ms / 1000),
         CASE WHEN rule.opened THEN counted.any_id END
  FROM rule JOIN counted ON counted.destination_id = rule.destination_id
  WHERE rule.opened OR rule.interval_ms IS NOT NULL
  ON CONFLICT (destination_id) DO UPDATE
  SET rate_free_at = coalesce(EXCLUDED.rate_free_at, known.rate_free_at),
      probe_delivery_id = coalesce(EXCLUDED.probe_delivery_id, known.probe_delivery_id)
)
SELECT rule.destination_id AS "destinationId", rule.held,
       (SELECT count(*) FROM (
          SELECT FROM deliveries WHERE destination_id = rule.destination_id AND state = 'waiting'
          LIMIT coalesce(counted.many, 0) + 1) AS seen) > coalesce(counted.many, 0) AS waiting,
       CASE WHEN rule.opened THEN greatest(extract(epoch FROM rule.probe_at - now()) * 1000, 0)
            WHEN rule.interval_ms IS NOT NULL THEN greatest(0,
              extract(epoch FROM rule.rate_from - now()) * 1000 + coalesce(counted.many, 0) * rule.interval_ms
                - rule.burst_ms)
       END::float AS "againInMs",
       coalesce((SELECT json_agg(json_build_object('id', released.id, 'tries', released.tries,
                                                   'priority', released.priority)
                                 ORDER BY released.priority, released.event_id, released.id)
                 FROM released WHERE released.destination_id = rule.destination_id)::text, '[]') AS released
FROM rule LEFT JOIN counted ON counted.destination_id = rule.destination_id`

interface Row {
  destinationId: string
  held: boolean
  waiting: boolean
  againInMs: number | null
  released: string
}

async function releaseLocked(
  transaction: Transaction,
  rules: readonly ReleaseRule[],
): Promise<Pick<Release, 'released' | 'left'>> {
  const given = JSON.stringify(rules.map(ruleRow))
  const before = statesBefore('delivery', 'queued')
  const rows = await transaction.unsafe<Row[]>(RELEASE, [given, RELEASED_MAX, before], { prepare: true })
  return {
    released: rows.flatMap(({ destinationId, released }) =>
      (JSON.parse(released) as Omit<Released, 'destinationId'>[]).map((one) => ({ ...one, destinationId })),
    ),
    left: rows.map(({ released: _, ...left }) => left),
  }
}

/** With a burst of b and an interval of i, no span of length s sees more than b - 1 + s / i. */
function ruleRow({ destinationId, concurrencyMax, rateMax }: ReleaseRule): object {
  const limits = { destination_id: destinationId, concurrency_max: concurrencyMax }
  if (rateMax === null) return limits
  const burst = Math.max(1, Math.floor(rateMax.count / BURST_SHARE))
  const intervalMs = (rateMax.perSeconds * 1_000) / (rateMax.count - burst + 1)
  return { ...limits, interval_ms: intervalMs, burst_ms: (burst - 1) * intervalMs }
}
