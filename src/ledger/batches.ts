import type { Sql } from '../platform/postgres.ts'
import type { AttemptRecord, TakenDelivery } from './deliveries.ts'
import { statesBefore } from './states.ts'
import { storableText } from './storable-text.ts'

/** Deliveries that a worker has taken to send them together. */
export interface TakenBatch {
  /** In the order of their events; all of them probes when one is. */
  deliveries: TakenDelivery[]
  /** The delivery by which an open circuit knows its probe; null when this is none. */
  probeId: string | null
}

/**
 * All of a batch or nothing: what is being sent by a worker whose lease goes on keeps the rest from being sent without
 * it. The rows are locked in one order, so that nobody waits for each other in a circle.
 */
const TAKE = `
WITH batch AS MATERIALIZED (
  SELECT id, destination_id, state, lease_until FROM deliveries
  WHERE batch_id = (SELECT batch_id FROM deliveries WHERE id = $1) AND state = ANY($2::text[])
  ORDER BY id FOR UPDATE
), held AS MATERIALIZED (
  SELECT EXISTS (SELECT FROM batch WHERE state = 'sending' AND lease_until > now()
                   OR destination_id = ANY ($4::uuid[]))
      OR EXISTS (
        SELECT FROM destination_states held WHERE held.destination_id IN (SELECT destination_id FROM batch)
          AND (held.paused_at IS NOT NULL
            OR held.opened_at IS NOT NULL AND NOT EXISTS (
              SELECT FROM batch WHERE id = held.probe_delivery_id))) AS is_held
), taken AS (
  UPDATE deliveries SET state = 'sending', tries = tries + 1, queued_at = now(),
         lease_until = now() + make_interval(secs => $3::int / 1000.0)
  WHERE id = ANY (ARRAY(SELECT id FROM batch)) AND state = ANY($2::text[]) AND NOT (SELECT is_held FROM held)
  RETURNING new.*, old.state AS state_before
), interrupted AS (
  INSERT INTO attempts (id, delivery_id, destination_id, number, started_at, request, verdict, reason, timing, batch_id)
  SELECT uuidv7(), id, destination_id, tries - 1, now(), '{}', 'interrupted',
         'the worker ended before the answer was seen', '{}', batch_id
  FROM taken WHERE state_before = 'sending'
)
SELECT taken.id, taken.run_id AS "runId", taken.event_id AS "eventId", taken.application_id AS "applicationId",
       taken.integration_id AS "integrationId", taken.destination_id AS "destinationId", taken.item,
       taken.tries AS number, taken.probes AS uncounted, taken.order_key IS NOT NULL OR taken.unique_key IS NOT NULL AS keyed,
       event.received_at AS "receivedAt", taken.hidden,
       (SELECT tried.probe_delivery_id FROM destination_states tried
        WHERE tried.destination_id = taken.destination_id AND tried.opened_at IS NOT NULL) AS "probeId"
FROM taken JOIN events event ON event.id = taken.event_id ORDER BY taken.event_id, taken.id`

/**
 * Takes the batch that a delivery belongs to, also when that delivery is no longer part of it. Nothing when the batch
 * is finished, another worker's, or for a destination that is held or listed in `notFor`.
 */
export async function takeBatch(
  sql: Sql,
  take: { deliveryId: string; leaseMs: number; notFor?: readonly string[] },
): Promise<TakenBatch | undefined> {
  const { deliveryId, leaseMs, notFor = [] } = take
  const rows = await sql.unsafe<(Omit<TakenDelivery, 'probe'> & { probeId: string | null })[]>(
    TAKE,
    [deliveryId, statesBefore('delivery', 'sending'), leaseMs, notFor],
    { prepare: true },
  )
  const [first] = rows
  if (!first) return undefined
  const { probeId } = first
  const deliveries = rows.map(({ probeId: _, ...row }) => ({ ...row, probe: probeId !== null }))
  return { deliveries, probeId }
}

/** Gives a push that may take longer than others the time it needs. */
export async function extendLeases(sql: Sql, deliveryIds: readonly string[], leaseMs: number): Promise<void> {
  await sql`
    UPDATE deliveries SET lease_until = now() + make_interval(secs => ${leaseMs / 1000})
    WHERE id IN (
      SELECT id FROM deliveries
      WHERE id = ANY (${deliveryIds}::uuid[]) AND state = 'sending' AND lease_until > now() ORDER BY id FOR UPDATE)`
}

export interface GivenBack {
  /** When it may be taken again. */
  delayMs: number
  /** For people: why it was not sent; null where it only waits for its turn. */
  reason: string | null
}

/** Lets what was taken and is not sent after all wait for its turn again, one by one. It has used up no try. */
export async function giveBack(
  sql: Sql,
  deliveryIds: readonly string[],
  { delayMs, reason }: GivenBack,
): Promise<void> {
  await sql`
    UPDATE deliveries SET state = 'retrying', tries = tries - 1, batch_id = NULL, lease_until = NULL,
      due_at = now() + make_interval(secs => ${delayMs / 1000}), reason = coalesce(${reason}, reason)
    WHERE id IN (
      SELECT id FROM deliveries
      WHERE id = ANY (${deliveryIds}::uuid[]) AND state = 'sending' AND lease_until > now() ORDER BY id FOR UPDATE)`
}

/** What became of one delivery of a batch. */
export interface BatchedEnd {
  deliveryId: string
  number: number
  state: 'delivered' | 'retrying' | 'dead'
  /** Set with `retrying`. */
  retryAfterMs: number | null
  /** Whether it has used up a try. */
  counts: boolean
  /** Those with one id are tried again together, as a batch of theirs; null for whatever comes together then. */
  nextBatchId: string | null
  attempt: Pick<AttemptRecord, 'id' | 'verdict' | 'reason'>
}

const FINISH = `
WITH given AS MATERIALIZED (
  SELECT * FROM json_to_recordset($1::text::json) AS given(
    id uuid, number int, state text, retry_after_ms int, uncounted int, next_batch_id uuid, attempt_id uuid,
    verdict text, reason text)
), held AS MATERIALIZED (
  SELECT id, tries FROM deliveries WHERE id = ANY ($2::uuid[]) AND state = 'sending' ORDER BY id FOR UPDATE
), moved AS (
  UPDATE deliveries SET state = given.state, reason = given.reason, lease_until = NULL, queued_at = now(),
         probes = probes + given.uncounted,
         batch_id = CASE WHEN given.state = 'retrying' THEN given.next_batch_id ELSE $7::uuid END,
         due_at = CASE WHEN given.retry_after_ms IS NULL THEN due_at
                       ELSE now() + make_interval(secs => given.retry_after_ms / 1000.0) END,
         ended_at = CASE WHEN given.state = 'retrying' THEN NULL ELSE now() END
  FROM given JOIN held ON held.id = given.id AND held.tries = given.number
  WHERE deliveries.id = given.id AND deliveries.id = ANY ($2::uuid[])
    AND deliveries.state = 'sending' AND deliveries.state = ANY($3::text[])
  RETURNING deliveries.id, deliveries.run_id, deliveries.destination_id, deliveries.state, given.number,
            given.attempt_id, given.verdict, given.reason
), kept AS (
  INSERT INTO attempts (id, delivery_id, destination_id, number, started_at, verdict, reason, status, batch_id,
                        pushed_with, request, response_headers, response_body, timing)
  SELECT attempt_id, id, destination_id, number, $5::timestamptz, verdict, reason, $6::int, $7::uuid,
         CASE WHEN attempt_id <> $4::uuid THEN $4::uuid END,
         CASE WHEN attempt_id = $4::uuid THEN $8 ELSE '{}' END,
         CASE WHEN attempt_id = $4::uuid THEN $9 END,
         CASE WHEN attempt_id = $4::uuid THEN $10::bytea END,
         CASE WHEN attempt_id = $4::uuid THEN $11 ELSE '{}' END
  FROM moved
), of_run AS MATERIALIZED (
  SELECT run_id, count(*)::int AS ended, count(*) FILTER (WHERE state = 'dead')::int AS dead
  FROM moved WHERE state <> 'retrying' GROUP BY run_id
), locked AS MATERIALIZED (
  SELECT id FROM runs WHERE id = ANY (ARRAY(SELECT run_id FROM of_run)) ORDER BY id FOR UPDATE
), counted AS (
  UPDATE runs SET deliveries_open = deliveries_open - ended, deliveries_dead = deliveries_dead + dead,
         state = CASE WHEN deliveries_open > ended THEN runs.state
                      WHEN deliveries_dead + dead > 0 THEN 'dead'
                      ELSE 'delivered' END,
         ended_at = CASE WHEN deliveries_open > ended THEN NULL ELSE now() END
  FROM of_run JOIN locked ON locked.id = of_run.run_id
  WHERE runs.id = of_run.run_id AND runs.id = ANY (ARRAY(SELECT run_id FROM of_run))
  RETURNING runs.id, runs.event_id, runs.state, runs.deliveries_open
), event_moved AS (
  UPDATE events SET state = counted.state FROM counted
  WHERE events.id = counted.event_id AND events.latest_run_id = counted.id AND counted.deliveries_open = 0
)
SELECT id FROM moved`

/**
 * Commits a push of several deliveries and what follows from it for each of them, their runs and events, in one
 * statement. What was sent and came back is kept once, with `lead`.
 *
 * @param lead the attempt of one of the ends, whole
 * @returns the deliveries that were still this worker's
 */
export async function finishBatch(
  sql: Sql,
  { batchId, lead, ends }: { batchId: string; lead: AttemptRecord; ends: readonly BatchedEnd[] },
): Promise<Set<string>> {
  const rows = await sql.unsafe<{ id: string }[]>(
    FINISH,
    [
      JSON.stringify(ends.map(endRow)),
      ends.map(({ deliveryId }) => deliveryId),
      statesBefore('delivery', 'delivered'),
      lead.id,
      lead.startedAt,
      lead.status,
      batchId,
      JSON.stringify(lead.request),
      lead.responseHeaders === null ? null : JSON.stringify(lead.responseHeaders),
      lead.responseBody,
      JSON.stringify(lead.timing),
    ],
    { prepare: true },
  )
  return new Set(rows.map(({ id }) => id))
}

function endRow(end: BatchedEnd): object {
  return {
    id: end.deliveryId,
    number: end.number,
    state: end.state,
    retry_after_ms: end.retryAfterMs,
    uncounted: end.counts ? 0 : 1,
    next_batch_id: end.nextBatchId,
    attempt_id: end.attempt.id,
    verdict: end.attempt.verdict,
    reason: storableText(end.attempt.reason),
  }
}
