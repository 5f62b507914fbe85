import type { Sql, Transaction } from '../platform/postgres.ts'
import type { Witness } from '../platform/witness.ts'
import { batchIdOf } from './batch-id.ts'
import { followRun, type HeldDelivery, holdDelivery, settleRun } from './settle-run.ts'
import { decide } from './snapshots.ts'
import { type DeliveryState, statesBefore, UNFINISHED } from './states.ts'
import { storableText } from './storable-text.ts'

/** `refused` names the state in which the thing is instead; undefined means that there is no such thing. */
export type Decided = { done: true } | { refused: string } | undefined

/** What is being sent may have arrived, and what is dead is discarded as a dead letter. */
const CANCELLED_FROM = statesBefore('delivery', 'discarded').filter(
  (state) => state !== 'sending' && state !== 'dead',
)

/** Ends a delivery that waits for its turn or for its next try. Of two operators one succeeds. */
export async function cancelDelivery(
  sql: Sql,
  deliveryId: string,
  reason: string,
  witness: Witness | undefined,
): Promise<Decided> {
  return decide(sql, 'delivery', deliveryId, witness, (transaction) =>
    discard(transaction, deliveryId, CANCELLED_FROM, () => storableText(reason)),
  )
}

/** Ends a delivery that is dead, or a run that died before it made any. Of two operators one succeeds. */
export async function discardDeadLetter(
  sql: Sql,
  id: string,
  reason: string,
  witness: Witness | undefined,
): Promise<Decided> {
  return decide(sql, 'deadLetter', id, witness, async (transaction) => {
    const decided = await discard(transaction, id, ['dead'], (held) => withDeath(reason, held.reason))
    return decided ?? discardDeadRun(transaction, id, reason)
  })
}

async function discard(
  transaction: Transaction,
  deliveryId: string,
  from: readonly DeliveryState[],
  reasonFor: (held: HeldDelivery) => string,
): Promise<Decided> {
  const held = await holdDelivery(transaction, deliveryId)
  if (!held) return undefined
  if (!from.includes(held.state)) return { refused: held.state }
  const reason = reasonFor(held)
  await transaction`
    UPDATE deliveries SET state = 'discarded', reason = ${reason}, ended_at = now() WHERE id = ${deliveryId}`
  await settleRun(transaction, held.runId, reason)
  return { done: true }
}

async function discardDeadRun(transaction: Transaction, runId: string, reason: string): Promise<Decided> {
  const [run] = await transaction<{ state: string; eventId: string; isDead: boolean; reason: string }[]>`
    SELECT state, event_id AS "eventId", reason, state = 'dead' AND deliveries_dead = 0 AS "isDead"
    FROM runs WHERE id = ${runId} FOR UPDATE`
  if (!run) return undefined
  if (!run.isDead) return { refused: run.state }
  const both = withDeath(reason, run.reason)
  await transaction`UPDATE runs SET state = 'discarded', reason = ${both} WHERE id = ${runId}`
  await followRun(transaction, { id: runId, eventId: run.eventId, state: 'discarded' }, both)
  return { done: true }
}

/** Why it died stays readable. */
function withDeath(reason: string, death: string | null): string {
  return storableText(death === null ? reason : `${reason}; it had died: ${death}`)
}

/**
 * Makes a delivery that waits for its time wait for its turn only, and not for others to fill a batch with: it is one by
 * itself. What is being sent or has ended is refused.
 */
export async function hurryDelivery(
  sql: Sql,
  deliveryId: string,
  witness: Witness | undefined,
): Promise<Decided> {
  return decide(sql, 'delivery', deliveryId, witness, async (transaction) => {
    const hurried = await transaction`
      UPDATE deliveries SET due_at = now(), state = CASE WHEN state = 'queued' THEN state ELSE 'waiting' END,
             batch_id = CASE WHEN state = 'queued' THEN batch_id ELSE ${batchIdOf([deliveryId])}::uuid END
      WHERE id = ${deliveryId} AND state = ANY(${CANCELLED_FROM}::text[])
      RETURNING id`
    return hurried.length === 1 ? { done: true } : refused(transaction, deliveryId)
  })
}

/** Moves an unfinished delivery before or behind others that wait for the same destination: 0 goes first, 9 last. */
export async function setPriority(
  sql: Sql,
  deliveryId: string,
  priority: number,
  witness: Witness | undefined,
): Promise<Decided> {
  return decide(sql, 'delivery', deliveryId, witness, async (transaction) => {
    const moved = await transaction`
      UPDATE deliveries SET priority = ${priority}
      WHERE id = ${deliveryId} AND state = ANY(${[...UNFINISHED.delivery]}::text[])
      RETURNING id`
    return moved.length === 1 ? { done: true } : refused(transaction, deliveryId)
  })
}

async function refused(transaction: Transaction, deliveryId: string): Promise<Decided> {
  const [row] = await transaction<{ state: string }[]>`SELECT state FROM deliveries WHERE id = ${deliveryId}`
  return row && { refused: row.state }
}
