import type { Sql, Transaction } from '../platform/postgres.ts'
import type { BatchRule } from './form-batches.ts'
import { isBatched, releaseBatches } from './release-batches.ts'
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
import { supersedeOlder } from './supersede.ts'
import { type Asked, WHOSE_TURN_IN_FRONT, WHOSE_TURN_OF_MANY } from './whose-turn.ts'

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

/** Of each rule how its destination stands, and what may go, in the order in which it is to. */
const PICK = (whoseTurn: (asked: Asked) => string) => `
WITH ${RULE(`
  SELECT count(*) FROM (
    SELECT FROM deliveries WHERE destination_id = given.destination_id AND state IN ('queued', 'sending')
    LIMIT given.concurrency_max) AS under_way`)}, free AS MATERIALIZED (
  SELECT destination_id, greatest(least(places, allowed, $2::int), 0)::int AS places FROM rule
)
SELECT rule.destination_id AS "destinationId", rule.held, free.places AS free, ${PACE}, coalesce((
  SELECT json_agg(next.id ORDER BY next.priority, next.event_id, next.id) FROM (${whoseTurn({
    destinationId: 'rule.destination_id',
    max: 'free.places',
    columns: 'delivery.id, delivery.priority, delivery.event_id',
  })}) AS next)::text, '[]') AS picked
FROM rule JOIN free ON free.destination_id = rule.destination_id`

/** Of a queue that is longer than this, the front alone is looked at first: mostly it has as many as may go. */
const FRONT = 100
const PICK_IN_FRONT = PICK((asked) =>
  WHOSE_TURN_IN_FRONT({ ...asked, lookedAt: `${FRONT} + 2 * ${asked.max}` }),
)
const PICK_OF_MANY = PICK(WHOSE_TURN_OF_MANY)

interface Picked extends Pace {
  destinationId: string
  held: boolean
  /** So many may go now. */
  free: number
  /** JSON. */
  picked: string
}

/** Apart from the picking, because ids that are given say in which partitions to look. */
const LET_GO = `
UPDATE deliveries SET state = 'queued', queued_at = now(), batch_id = NULL
WHERE id = ANY ($1::uuid[]) AND state = 'waiting' AND state = ANY ($2::text[])
RETURNING id, destination_id AS "destinationId", tries, priority`

/** Counted no further than one above the front. */
const STILL_WAITING = `
SELECT asked.id, (SELECT count(*) FROM (
  SELECT FROM deliveries WHERE destination_id = asked.id AND state = 'waiting' LIMIT ${FRONT} + 1) AS counted)::int AS many
FROM unnest($1::uuid[]) AS asked(id)`

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

/** What is behind the front of a long queue is looked at only where the front has left places free. */
async function releaseEach(
  transaction: Transaction,
  rules: readonly PlacesRule[],
): Promise<Pick<Release, 'released' | 'left'>> {
  if (rules.length === 0) return { released: [], left: [] }
  const front = await releasePicked(transaction, rules, PICK_IN_FRONT)
  const clogged = rules.filter(({ destinationId }) => {
    const one = front.get(destinationId)
    return one !== undefined && one.waiting > FRONT && one.released.length < one.free
  })
  const behind =
    clogged.length === 0 ? new Map<string, Gone>() : await releasePicked(transaction, clogged, PICK_OF_MANY)
  return {
    released: [...front.values(), ...behind.values()].flatMap(({ released }) => released),
    left: [...new Map([...front, ...behind]).values()].map(({ left }) => left),
  }
}

interface Gone {
  free: number
  released: Released[]
  /** No further than one above the front. */
  waiting: number
  left: Left
}

/** By destination. */
async function releasePicked(
  transaction: Transaction,
  rules: readonly PlacesRule[],
  pick: string,
): Promise<Map<string, Gone>> {
  const given = JSON.stringify(rules.map(ruleRow))
  const picks = await transaction.unsafe<Picked[]>(pick, [given, RELEASED_MAX], { prepare: true })
  const wanted = picks.flatMap(({ picked }) => JSON.parse(picked) as string[])
  const gone = new Map((await letGo(transaction, wanted)).map((one) => [one.id, one]))
  const released = Map.groupBy(
    wanted.flatMap((id) => gone.get(id) ?? []),
    ({ destinationId }) => destinationId,
  )
  const counted = await transaction.unsafe<{ id: string; many: number }[]>(
    STILL_WAITING,
    [rules.map(({ destinationId }) => destinationId)],
    { prepare: true },
  )
  const waitingAt = new Map(counted.map(({ id, many }) => [id, many]))
  const each = picks.map(async ({ destinationId, held, free, ...pace }): Promise<[string, Gone]> => {
    const own = released.get(destinationId) ?? []
    const takenMs = await noteReleased(transaction, destinationId, pace, own)
    const waiting = waitingAt.get(destinationId) ?? 0
    const left = { destinationId, held, waiting: waiting > 0, againInMs: laterMs(pace, takenMs) }
    return [destinationId, { free, released: own, waiting, left }]
  })
  return new Map(await Promise.all(each))
}

async function letGo(transaction: Transaction, ids: readonly string[]): Promise<Released[]> {
  if (ids.length === 0) return []
  return transaction.unsafe<Released[]>(LET_GO, [ids, statesBefore('delivery', 'queued')], { prepare: true })
}
