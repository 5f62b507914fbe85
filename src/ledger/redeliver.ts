import type { Sql, Transaction } from '../platform/postgres.ts'
import type { Witness } from '../platform/witness.ts'
import type { Decided } from './delivery-actions.ts'
import { holdDelivery, settleRun } from './settle-run.ts'
import { decide } from './snapshots.ts'
import type { DeliveryState } from './states.ts'
import { storableText } from './storable-text.ts'

/** What has ended, but for what another delivery has taken the place of. */
const REPLAYED_FROM: readonly DeliveryState[] = ['dead', 'delivered', 'discarded']

export interface Redelivery {
  deliveryId: string
  newDeliveryId: string
  /** Exact JSON text of what is sent instead; null for the same once more. */
  item: string | null
  /** What is shown of that, where fields of its event are redacted. */
  shown?: string | null
  /** The states that it may be in, where not all that have ended. */
  from?: readonly DeliveryState[]
}

/** {@link redeliverWithin} in a transaction of its own. */
export function redeliver(sql: Sql, redelivery: Redelivery, witness: Witness | undefined): Promise<Decided> {
  return decide(sql, 'delivery', redelivery.deliveryId, witness, (transaction) =>
    redeliverWithin(transaction, redelivery),
  )
}

/**
 * Sends what a delivery carries once more, as a new delivery of the same run: the nodes are not walked again, and run
 * and event tell as before what has become of all that there was to send. It waits for its turn where its original
 * stood, before what came later. It takes the place of what did not arrive, so that of two operators one succeeds; what
 * was delivered stays so.
 */
export async function redeliverWithin(
  transaction: Transaction,
  { deliveryId, newDeliveryId, item, shown = null, from = REPLAYED_FROM }: Redelivery,
): Promise<Decided> {
  const held = await holdDelivery(transaction, deliveryId)
  if (!held) return undefined
  if (!from.includes(held.state)) return { refused: held.state }
  // Locked before there is anything to send: retention and erasures look for that when they have the lock.
  const [event] = await transaction<{ erased: boolean }[]>`
    SELECT erased_at IS NOT NULL AS erased FROM events WHERE id = ${held.eventId} FOR KEY SHARE`
  if (!event || event.erased) return { refused: 'erased' }
  await transaction`
    INSERT INTO deliveries (id, run_id, event_id, application_id, integration_id, destination_id, node_id, position,
                            item, shown, hidden, state, priority, order_key, holds_on_dead, unique_key, due_at, queued_at, replay_of)
    SELECT ${newDeliveryId}::uuid, run_id, event_id, application_id, integration_id, destination_id, node_id, position,
           coalesce(${item}, item), CASE WHEN ${item === null} THEN shown ELSE ${shown} END, hidden, 'waiting', priority, order_key, holds_on_dead, unique_key, now(), now(), id
    FROM deliveries WHERE id = ${deliveryId}`
  if (held.state !== 'delivered') {
    const before = held.reason === null ? '' : `; before it was ${held.state}: ${held.reason}`
    await transaction`
      UPDATE deliveries SET state = 'superseded', reason = ${storableText(`replayed as ${newDeliveryId}${before}`)}
      WHERE id = ${deliveryId}`
  }
  await settleRun(transaction, held.runId, null)
  return { done: true }
}
