import type { Sql } from '../platform/postgres.ts'
import { statesBefore } from './states.ts'
import { storableText } from './storable-text.ts'

/** A delivery that a worker has taken. */
export interface TakenDelivery {
  id: string
  runId: string
  eventId: string
  applicationId: string
  integrationId: string
  destinationId: string
  /** Exact JSON text of what is to be sent. */
  item: string
  /** Which attempt this is, from 1. */
  number: number
  /** It is the one that tries whether the destination is well again. */
  probe: boolean
  /** Attempts before this one that used up no tries: such probes, and those that a worker was stopped in. */
  uncounted: number
  /** Others may wait for its end. */
  keyed: boolean
  receivedAt: Date
  /** What must not be shown of it, as JSON, where fields of its event are redacted. */
  hidden: string | null
}

/** What one attempt did, as it is kept. */
export interface AttemptRecord {
  id: string
  startedAt: Date
  /** Method, address and headers, secrets masked. */
  request: { method: string; url: string; headers: [string, string][] }
  verdict: 'delivered' | 'retry' | 'dead' | 'interrupted'
  reason: string
  status: number | null
  responseHeaders: [string, string][] | null
  responseBody: Buffer | null
  /** Milliseconds by phase. */
  timing: Record<string, number>
}

/**
 * A lease fences off a second worker while the first may still be sending. One that is taken over has an attempt
 * whose end nobody saw: it is kept as `interrupted`, because the destination may have received it.
 *
 * What was released a moment before its destination was paused, or its circuit opened, is not taken any more.
 */
const TAKE = `
WITH taken AS (
  UPDATE deliveries SET state = 'sending', tries = tries + 1, queued_at = now(),
         lease_until = now() + make_interval(secs => $3::int / 1000.0)
  WHERE id = $1 AND batch_id IS NULL AND state = ANY($2::text[]) AND (state <> 'sending' OR lease_until <= now())
    AND destination_id <> ALL ($5::uuid[])
    AND NOT EXISTS (
      SELECT FROM destination_states held WHERE held.destination_id = deliveries.destination_id
        AND (held.paused_at IS NOT NULL
          OR held.opened_at IS NOT NULL AND held.probe_delivery_id IS DISTINCT FROM deliveries.id))
  RETURNING new.*, old.state AS state_before
), interrupted AS (
  INSERT INTO attempts (id, delivery_id, destination_id, number, started_at, request, verdict, reason, timing)
  SELECT $4::uuid, id, destination_id, tries - 1, now(), '{}', 'interrupted', 'the worker ended before the answer was seen', '{}'
  FROM taken WHERE state_before = 'sending'
)
SELECT taken.id, taken.run_id AS "runId", taken.event_id AS "eventId", taken.application_id AS "applicationId",
       taken.integration_id AS "integrationId", taken.destination_id AS "destinationId", taken.item,
       taken.tries AS number, taken.probes AS uncounted, taken.order_key IS NOT NULL OR taken.unique_key IS NOT NULL AS keyed,
       EXISTS (SELECT FROM destination_states tried WHERE tried.destination_id = taken.destination_id
                 AND tried.opened_at IS NOT NULL AND tried.probe_delivery_id = taken.id) AS probe, taken.hidden
FROM taken`

const RECEIVED = `SELECT received_at AS "receivedAt" FROM events WHERE id = $1`

/**
 * Takes a delivery for at most `leaseMs`; nothing when it is finished, gone, another worker's, part of a batch, or for a
 * destination that is held or listed in `notFor`: then {@link standBack} lets it wait for its turn again.
 */
export async function takeDelivery(
  sql: Sql,
  take: { deliveryId: string; leaseMs: number; interruptedAttemptId: string; notFor?: readonly string[] },
): Promise<TakenDelivery | undefined> {
  const [taken] = await sql.unsafe<Omit<TakenDelivery, 'receivedAt'>[]>(
    TAKE,
    [
      take.deliveryId,
      statesBefore('delivery', 'sending'),
      take.leaseMs,
      take.interruptedAttemptId,
      take.notFor ?? [],
    ],
    { prepare: true },
  )
  if (!taken) return undefined
  // Asked for by its id: a join has every partition that there is opened and planned.
  const [event] = await sql.unsafe<Pick<TakenDelivery, 'receivedAt'>[]>(RECEIVED, [taken.eventId], {
    prepare: true,
  })
  return event && { ...taken, ...event }
}

/** Lets a released delivery that cannot be taken wait for its turn, with all of its batch; gives its destination. */
export async function standBack(sql: Sql, deliveryId: string): Promise<string | undefined> {
  const rows = await sql<{ destinationId: string }[]>`
    UPDATE deliveries SET state = 'waiting' WHERE id IN (
      SELECT id FROM deliveries WHERE state = 'queued' AND (id = ${deliveryId}
        OR batch_id = (SELECT batch_id FROM deliveries WHERE id = ${deliveryId}))
      ORDER BY id FOR UPDATE) AND state = 'queued'
    RETURNING destination_id AS "destinationId"`
  return rows[0]?.destinationId
}

/** Gives an attempt that may take longer than others the time it needs. */
export async function extendLease(
  sql: Sql,
  deliveryId: string,
  number: number,
  leaseMs: number,
): Promise<void> {
  await sql`
    UPDATE deliveries SET lease_until = now() + make_interval(secs => ${leaseMs / 1000})
    WHERE id = ${deliveryId} AND tries = ${number} AND state = 'sending'`
}

/**
 * The run's counter is what tells the last delivery to end: the row lock on the run makes deliveries that end at
 * the same moment count one after the other.
 */
const FINISH_ATTEMPT = `
WITH moved AS (
  UPDATE deliveries SET state = $2, reason = $3, lease_until = NULL, queued_at = now(), probes = probes + $15::int,
         due_at = CASE WHEN $4::int IS NULL THEN due_at ELSE now() + make_interval(secs => $4::int / 1000.0) END,
         ended_at = CASE WHEN $2 = 'retrying' THEN NULL ELSE now() END
  WHERE id = $1 AND tries = $5 AND state = 'sending' AND state = ANY($6::text[])
  RETURNING id, run_id, destination_id, state
), kept AS (
  INSERT INTO attempts (id, delivery_id, destination_id, number, started_at, request, verdict, reason, status,
                        response_headers, response_body, timing)
  SELECT $7::uuid, moved.id, moved.destination_id, $5, $8::timestamptz, $9, $10, $3, $11::int, $12, $13::bytea, $14 FROM moved
), counted AS (
  UPDATE runs SET deliveries_open = deliveries_open - 1,
         deliveries_dead = deliveries_dead + (moved.state = 'dead')::int,
         state = CASE WHEN deliveries_open > 1 THEN runs.state
                      WHEN deliveries_dead + (moved.state = 'dead')::int > 0 THEN 'dead'
                      ELSE moved.state END,
         ended_at = CASE WHEN deliveries_open > 1 THEN NULL ELSE now() END
  FROM moved WHERE runs.id = $16::uuid AND runs.id = moved.run_id AND moved.state <> 'retrying'
  RETURNING runs.id, runs.event_id, runs.state, runs.deliveries_open
), event_moved AS (
  UPDATE events SET state = counted.state FROM counted
  WHERE events.id = $17::uuid AND events.id = counted.event_id AND events.latest_run_id = counted.id AND counted.deliveries_open = 0
)
SELECT id FROM moved`

/**
 * Commits an attempt and what follows from it for delivery, run and event, in one statement. False when another
 * worker had taken the delivery over.
 */
export async function finishAttempt(
  sql: Sql,
  end: {
    /** As it was taken: the ids of run and event say in which partitions those lie. */
    delivery: Pick<TakenDelivery, 'id' | 'number' | 'runId' | 'eventId'>
    state: 'delivered' | 'retrying' | 'dead' | 'discarded'
    /** Set with `retrying`. */
    retryAfterMs: number | null
    /** False for a try that only asked whether the destination is well again, or was cut off by us. */
    counts?: boolean
    attempt: AttemptRecord
  },
): Promise<boolean> {
  const { delivery, attempt } = end
  const rows = await sql.unsafe(
    FINISH_ATTEMPT,
    [
      delivery.id,
      end.state,
      storableText(attempt.reason),
      end.retryAfterMs,
      delivery.number,
      statesBefore('delivery', end.state),
      attempt.id,
      attempt.startedAt,
      JSON.stringify(attempt.request),
      attempt.verdict,
      attempt.status,
      attempt.responseHeaders === null ? null : JSON.stringify(attempt.responseHeaders),
      attempt.responseBody,
      JSON.stringify(attempt.timing),
      end.counts === false ? 1 : 0,
      delivery.runId,
      delivery.eventId,
    ],
    { prepare: true },
  )
  return rows.length === 1
}
