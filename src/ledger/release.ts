import type { Sql, Transaction } from '../platform/postgres.ts'
import type { BatchRule } from './form-batches.ts'
import { isBatched, releaseBatches } from './release-batches.ts'
import { type Left, type PlacesRule, type Released, RULE, ruleRow } from './release-rule.ts'
import { statesBefore } from './states.ts'
import { supersedeOlder } from './supersede.ts'
import { IS_ALONE, IS_FIRST } from './turn-conditions.ts'

/** What a destination allows; with `batch` its deliveries go together, and each batch counts as one. */
export type ReleaseRule = PlacesRule & { batch?: BatchRule | undefined }

export interface Release {
  released: Released[]
  /** What is left at each destination that was asked for and free. */
  left: Left[]
  /** Somebody else is releasing for these at this moment. */
  busy: string[]
}

/** Two numbers name an advisory lock; this one stands for releases. Any number. */
const RELEASES = 7_583_024
/** Of one destination in one go. */
const RELEASED_MAX = 1_000

/**
 * Releases waiting deliveries of these destinations, the highest priority and then the oldest event first, as many as
 * each allows. One goes at a time for each destination, and counts after it has locked, so that limits hold exactly
 * over all workers.
 *
 * A release need not be durable by itself: what is lost in a crash waits as before, and the commit that takes a
 * released delivery makes its release durable too.
 *
 * Of a batch one delivery is given, and whoever takes it takes all of it.
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
    const { released, left } = await releaseLocked(transaction, rules.filter(isFree))
    return { released, left, busy }

    function isFree({ destinationId }: ReleaseRule): boolean {
      return free.has(destinationId)
    }
  }) as Promise<Release>
}

const RELEASE = `
WITH ${RULE(`
  SELECT count(*) FROM (
    SELECT FROM deliveries WHERE destination_id = given.destination_id AND state IN ('queued', 'sending')
    LIMIT given.concurrency_max) AS under_way`)}, picked AS MATERIALIZED (
  SELECT next.id FROM rule CROSS JOIN LATERAL (
    SELECT delivery.id, delivery.unique_key FROM deliveries delivery
    WHERE delivery.destination_id = rule.destination_id AND delivery.state = 'waiting'
      AND ${IS_FIRST} AND ${IS_ALONE}
    ORDER BY delivery.priority, delivery.event_id, delivery.id
    LIMIT greatest(least(rule.places, rule.allowed, $2::int), 0)) AS next
), released AS (
  UPDATE deliveries SET state = 'queued', queued_at = now(), batch_id = NULL
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
       -- Where it is not the time that is waited for, the end of what is under way lets the next go.
       nullif(greatest(0, CASE
         WHEN rule.opened THEN extract(epoch FROM rule.probe_at - now()) * 1000
         WHEN rule.interval_ms IS NOT NULL
         THEN extract(epoch FROM rule.rate_from - now()) * 1000 + coalesce(counted.many, 0) * rule.interval_ms
                - rule.burst_ms
       END), 0)::float AS "againInMs",
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
  const one = await releaseEach(
    transaction,
    rules.filter((rule) => !isBatched(rule)),
  )
  const parts = [one]
  for (const rule of rules.filter(isBatched)) parts.push(await releaseBatches(transaction, rule))
  return {
    released: parts.flatMap(({ released }) => released),
    left: parts.flatMap(({ left }) => left),
  }
}

async function releaseEach(
  transaction: Transaction,
  rules: readonly ReleaseRule[],
): Promise<Pick<Release, 'released' | 'left'>> {
  if (rules.length === 0) return { released: [], left: [] }
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
