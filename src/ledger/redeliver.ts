import type { Sql, Transaction } from '../platform/postgres.ts'
import type { Decided } from './delivery-actions.ts'
import { holdDelivery, settleRun } from './settle-run.ts'
import type { DeliveryState } from './states.ts'
import { storableText } from './storable-text.ts'

/** What has ended, but for what another delivery has taken the place of. */
const REPLAYED_FROM: readonly DeliveryState[] = ['dead', 'delivered', 'discarded']

export interface Redelivery {
  deliveryId: string
  newDeliveryId: string
  /** Exact JSON text of what is sent instead; null for the same once more. */
  item: string | null
  /** The states that it may be in, where not all that have ended. */
  from?: readonly DeliveryState[]
}

/** {@link redeliverWithin} in a transaction of its own. */
export function redeliver(sql: Sql, redelivery: Redelivery): Promise<Decided> {
  return sql.begin((transaction) => redeliverWithin(transaction, redelivery))
}

/**
 * Sends what a delivery carries once more, as a new delivery of the same run: the nodes are not walked again, and run
 * and event tell as before what has become of all that there was to send. It waits for its turn where its original
 * stood, before what came later. It takes the place of what did not arrive, so that of two operators one succeeds; what
 * was delivered stays so.
 */
export async function redeliverWithin(
  transaction: Transaction,
  { deliveryId, newDeliveryId, item, from = REPLAYED_FROM }: Redelivery,
): Promise<Decided> {
  const held = await holdDelivery(transaction, deliveryId)
  if (!held) return undefined
  if (!from.includes(held.state)) return { refused: held.state }
  await transaction`
    INSERT INTO deliveries (id, run_id, event_id, application_id, integration_id, destination_id, node_id, position,
                            item, state, priority, order_key, holds_on_dead, unique_key, due_at, queued_at, replay_of)
    SELECT ${newDeliveryId}::uuid, run_id, event_id, application_id, integration_id, destination_id, node_id, position,
           coalesce(${item}, item), 'waiting', priority, order_key, holds_on_dead, unique_key, now(), now(), id
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
