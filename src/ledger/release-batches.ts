import type { Transaction } from '../platform/postgres.ts'
import { type BatchRule, type Candidate, type Formed, type FormedBatch, formBatches } from './form-batches.ts'
import {
  type Left,
  laterMs,
  noteReleased,
  PACE,
  type Pace,
  type PlacesRule,
  type Released,
  RULE,
  ruleRow,
} from './release-rule.ts'
import { statesBefore } from './states.ts'
import { IS_ALONE, IS_NEXT } from './turn-conditions.ts'
import { type Asked, WHOSE_TURN, WHOSE_TURN_OF_MANY } from './whose-turn.ts'

/** What a destination allows whose deliveries go together. */
export interface BatchedRule extends PlacesRule {
  batch: BatchRule
}

export function isBatched<Rule extends PlacesRule & { batch?: BatchRule | undefined }>(
  rule: Rule,
): rule is Rule & BatchedRule {
  return rule.batch !== undefined
}

/** Batches of one destination in one go. */
const BATCHES_MAX = 1_000
/** Deliveries that are looked at in one go. */
const LOOKED_AT_MAX = 10_000

const FREE = `
WITH ${RULE(`
  SELECT count(DISTINCT coalesce(batch_id, id)) FROM deliveries
  WHERE destination_id = given.destination_id AND state IN ('queued', 'sending')`)}
SELECT held, greatest(least(places, allowed, $2::int), 0)::int AS free, ${PACE} FROM rule`

interface Free extends Pace {
  held: boolean
  /** Batches that may go now. */
  free: number
}

/** Those that failed together wait until the last of them may be tried again. */
const IS_COMPLETE = `(delivery.batch_id IS NULL OR NOT EXISTS (
  SELECT FROM deliveries other
  WHERE other.batch_id = delivery.batch_id AND other.state IN ('delayed', 'retrying', 'queued', 'sending')))`

/**
 * The first of each order key, and whatever has none, as many as may be needed; those that wait right behind them, which
 * may go in the same batch; and those that failed together with one of them.
 */
const CANDIDATES = (whoseTurn: (asked: Asked) => string) => `
WITH first AS MATERIALIZED (${whoseTurn({
  destinationId: '$1::uuid',
  max: '$2::int',
  columns: 'delivery.id, delivery.order_key, delivery.batch_id',
  and: IS_COMPLETE,
})}
), behind AS MATERIALIZED (
  SELECT follower.id FROM (
    SELECT DISTINCT order_key FROM first WHERE order_key IS NOT NULL AND NOT $4::boolean) AS head
  CROSS JOIN LATERAL (
    SELECT delivery.id, delivery.event_id FROM deliveries delivery
    WHERE delivery.destination_id = $1 AND delivery.order_key = head.order_key AND delivery.order_key IS NOT NULL
      AND delivery.state = 'waiting'
    ORDER BY delivery.event_id, delivery.id LIMIT $3::int) AS follower
  ORDER BY follower.event_id, follower.id LIMIT $2::int
), together AS MATERIALIZED (
  SELECT id FROM deliveries
  WHERE batch_id = ANY (ARRAY(SELECT batch_id FROM first WHERE batch_id IS NOT NULL)) AND state = 'waiting'
)
SELECT delivery.id, delivery.event_id AS "eventId", octet_length(delivery.item) AS bytes,
       (extract(epoch FROM now() - delivery.due_at) * 1000)::float AS "waitedMs",
       delivery.order_key AS "orderKey", delivery.unique_key AS "uniqueKey", delivery.batch_id AS "batchId",
       CASE WHEN delivery.order_key IS NOT NULL THEN (
         SELECT earlier.id FROM deliveries earlier
         WHERE earlier.destination_id = delivery.destination_id AND earlier.order_key = delivery.order_key
           AND earlier.order_key IS NOT NULL
           AND earlier.state IN ('delayed', 'waiting', 'queued', 'sending', 'retrying')
           AND (earlier.event_id, earlier.id) < (delivery.event_id, delivery.id)
         ORDER BY earlier.event_id DESC, earlier.id DESC LIMIT 1) END AS behind
FROM deliveries delivery
WHERE delivery.id = ANY (ARRAY(SELECT id FROM first UNION SELECT id FROM behind UNION SELECT id FROM together))
  AND delivery.destination_id = $1 AND delivery.state = 'waiting'
  AND ${IS_NEXT} AND ${IS_ALONE} AND ${IS_COMPLETE}
ORDER BY delivery.priority, delivery.event_id, delivery.id`

const CANDIDATES_OF_FEW = CANDIDATES(WHOSE_TURN)
const CANDIDATES_OF_MANY = CANDIDATES(WHOSE_TURN_OF_MANY)
/** More than so many are many. */
const FEW = 1_000

const RELEASE = `
UPDATE deliveries SET state = 'queued', queued_at = now(), batch_id = given.batch_id
FROM unnest($1::uuid[], $2::uuid[]) AS given(id, batch_id)
WHERE deliveries.id = given.id AND deliveries.id = ANY ($1::uuid[])
  AND deliveries.state = 'waiting' AND deliveries.state = ANY ($3::text[])
RETURNING deliveries.id, deliveries.batch_id AS "batchId", tries, priority`

/** Lets go what has come together. The caller holds the lock of the destination. */
export async function releaseBatches(
  transaction: Transaction,
  rule: BatchedRule,
): Promise<{ released: Released[]; left: Left[] }> {
  const { destinationId } = rule
  const [free] = await transaction.unsafe<Free[]>(FREE, [JSON.stringify([ruleRow(rule)]), BATCHES_MAX], {
    prepare: true,
  })
  if (!free) throw new Error('a destination that was asked for has no rule')
  const formed = await formOf(transaction, rule, free.free)
  const released = await releaseFormed(transaction, destinationId, formed.batches)
  const takenMs = await noteReleased(transaction, destinationId, free, released)
  const left = await transaction`
    SELECT FROM deliveries WHERE destination_id = ${destinationId} AND state = 'waiting' LIMIT 1`
  const isUsedUp = formed.batches.length >= free.free
  const againInMs = isUsedUp ? laterMs(free, takenMs) : formed.againInMs
  return { released, left: [{ destinationId, held: free.held, waiting: left.length > 0, againInMs }] }
}

async function formOf(
  transaction: Transaction,
  { destinationId, batch }: BatchedRule,
  batchesMax: number,
): Promise<Formed> {
  if (batchesMax === 0) return { batches: [], againInMs: null }
  const { itemsMax, onePerKey } = batch
  const lookedAt = Math.min(batchesMax * itemsMax, LOOKED_AT_MAX)
  const [many] = await transaction`
    SELECT FROM deliveries WHERE destination_id = ${destinationId} AND state = 'waiting' OFFSET ${FEW} LIMIT 1`
  const candidates = await transaction.unsafe<Candidate[]>(
    many ? CANDIDATES_OF_MANY : CANDIDATES_OF_FEW,
    [destinationId, lookedAt, itemsMax, onePerKey],
    { prepare: true },
  )
  return formBatches(candidates, batch, batchesMax)
}

/** One delivery of each batch: the first that is still there. */
async function releaseFormed(
  transaction: Transaction,
  destinationId: string,
  batches: readonly FormedBatch[],
): Promise<Released[]> {
  if (batches.length === 0) return []
  const ids = batches.flatMap(({ members }) => members.map(({ id }) => id))
  const batchIds = batches.flatMap(({ id, members }) => members.map(() => id))
  const rows = await transaction.unsafe<(Omit<Released, 'destinationId'> & { batchId: string })[]>(
    RELEASE,
    [ids, batchIds, statesBefore('delivery', 'queued')],
    { prepare: true },
  )
  const byBatch = Map.groupBy(rows, ({ batchId }) => batchId)
  return batches.flatMap(({ id: batchId }) => {
    const members = byBatch.get(batchId) ?? []
    const [first] = members
    if (!first) return []
    const priority = Math.min(...members.map((member) => member.priority))
    return [{ id: first.id, destinationId, tries: first.tries, priority }]
  })
}
