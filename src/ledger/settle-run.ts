import type { Transaction } from '../platform/postgres.ts'
import { type StateOf, statesBefore } from './states.ts'

/** What an operator decides about a delivery, with the run locked after it. */
export interface HeldDelivery {
  id: string
  runId: string
  eventId: string
  applicationId: string
  integrationId: string
  destinationId: string
  state: StateOf<'delivery'>
  reason: string | null
}

/**
 * Locks a delivery, and after it its run: in the order in which the end of an attempt locks them, so that nobody waits
 * for each other in a circle.
 */
export async function holdDelivery(
  transaction: Transaction,
  deliveryId: string,
): Promise<HeldDelivery | undefined> {
  const [[held]] = await Promise.all([
    transaction<HeldDelivery[]>`
      SELECT id, run_id AS "runId", event_id AS "eventId", application_id AS "applicationId",
             integration_id AS "integrationId", destination_id AS "destinationId", state, reason
      FROM deliveries WHERE id = ${deliveryId} FOR UPDATE`,
    transaction`
      SELECT FROM runs WHERE id = (SELECT run_id FROM deliveries WHERE id = ${deliveryId}) FOR UPDATE`,
  ])
  return held
}

/**
 * Brings a run, and its event where it is the latest, in line with its deliveries after an operator changed one of
 * them. The run must be locked: each statement here sees what was committed before the lock was had, and an attempt
 * that ends meanwhile counts itself off afterwards.
 *
 * @param reason why an operator discarded; kept with an event that is discarded by it
 */
export async function settleRun(
  transaction: Transaction,
  runId: string,
  reason: string | null,
): Promise<void> {
  const [run] = await transaction<{ eventId: string; state: StateOf<'run'> & StateOf<'event'> }[]>`
    WITH counted AS (
      SELECT count(*) FILTER (WHERE ended_at IS NULL)::int AS open,
             count(*) FILTER (WHERE state = 'dead')::int AS dead,
             count(*) FILTER (WHERE state = 'delivered')::int AS delivered,
             count(*) FILTER (WHERE state = 'discarded')::int AS discarded
      FROM deliveries WHERE run_id = ${runId}
    )
    UPDATE runs SET deliveries_open = open, deliveries_dead = dead,
           state = CASE WHEN open > 0 THEN 'delivering' WHEN dead > 0 THEN 'dead'
                        WHEN delivered > 0 THEN 'delivered' WHEN discarded > 0 THEN 'discarded'
                        ELSE 'superseded' END,
           ended_at = CASE WHEN open = 0 THEN now() END
    FROM counted WHERE id = ${runId} RETURNING event_id AS "eventId", state`
  if (run) await followRun(transaction, { id: runId, ...run }, reason)
}

/** The event is what its latest run is. */
export async function followRun(
  transaction: Transaction,
  { id, eventId, state }: { id: string; eventId: string; state: StateOf<'run'> & StateOf<'event'> },
  reason: string | null,
): Promise<void> {
  await transaction`
    UPDATE events SET state = ${state}, reason = ${state === 'discarded' ? reason : null}
    WHERE id = ${eventId} AND latest_run_id = ${id} AND state = ANY(${statesBefore('event', state)}::text[])`
}
