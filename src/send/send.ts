/**
 * Did it arrive? One attempt of a delivery, or of a batch of them, its verdict, and the next try or the dead letter.
 */
import type { Destination } from '../integrations/integrations.ts'
import type { GivenBack, TakenBatch, TakenDelivery } from '../ledger/ledger.ts'
import { newId } from '../platform/ids.ts'
import { attemptBatch } from './attempt-batch.ts'
import { attemptOne } from './attempt-one.ts'
import { LEASE_MS } from './lease.ts'
import type { BatchDestination } from './push-batch.ts'
import type { SendOptions } from './send-options.ts'
import { tooLate } from './too-late.ts'

export { batchRuleOf } from './batch-body.ts'
export type { OwnServers } from './kinds/kind.ts'
export { createSenders, type Senders } from './kinds/kinds.ts'
export type { Places, SendOptions } from './send-options.ts'
export { tryDestination } from './try-out.ts'

/**
 * Makes one attempt, with all that goes together with the delivery. Nothing happens when the delivery is finished, or
 * another worker holds it; when its destination is held or has no place left, it waits again.
 */
export async function attemptDelivery(
  deliveryId: string,
  signal: AbortSignal,
  options: SendOptions,
): Promise<void> {
  const { ledger, places, integrations } = options
  const taken = await take(deliveryId, options)
  if (!taken) {
    const destinationId = await ledger.standBack(deliveryId)
    if (destinationId !== undefined) places.stoodBack(destinationId)
    return
  }
  const { first, batch } = taken
  // Many that are taken at one moment are taken before any of them counts.
  if (!places.begin(first.destinationId)) return giveBack(batch, options)
  try {
    const destination = await integrations.findDestination(first.destinationId)
    if (!destination && integrations.isUnreadable(first.destinationId))
      await giveBack(batch, options, UNREADABLE)
    else if (takesBatches(destination)) await attemptTogether(batch, destination, signal, options)
    else if (batch.deliveries.length === 1) await attemptOne(first, destination, signal, options)
    else await giveBack(batch, options)
  } finally {
    const keyed = batch.deliveries.some((delivery) => delivery.keyed)
    places.ended({ destinationId: first.destinationId, keyed })
  }
}

/** What has become too old to be tried again ends by itself, and the rest goes without it. */
async function attemptTogether(
  { deliveries, probeId }: TakenBatch,
  destination: Destination & BatchDestination,
  signal: AbortSignal,
  options: SendOptions,
): Promise<void> {
  const now = new Date()
  const isLate = (delivery: TakenDelivery) => tooLate(delivery, destination, now) !== undefined
  // What is not sent tries nothing.
  for (const late of deliveries.filter(isLate))
    await attemptOne({ ...late, probe: false }, destination, signal, options)
  const rest = deliveries.filter((delivery) => !isLate(delivery))
  if (rest.length > 0) await attemptBatch({ deliveries: rest, probeId }, destination, signal, options)
}

/** A delivery that was released by itself is a batch of one. */
async function take(
  deliveryId: string,
  { ledger, places }: SendOptions,
): Promise<{ first: TakenDelivery; batch: TakenBatch } | undefined> {
  const notFor = places.full()
  const wish = { deliveryId, leaseMs: LEASE_MS, notFor }
  const one = await ledger.takeDelivery({ ...wish, interruptedAttemptId: newId() })
  if (one) return { first: one, batch: { deliveries: [one], probeId: one.probe ? one.id : null } }
  const batch = await ledger.takeBatch(wish)
  const [first] = batch?.deliveries ?? []
  return batch && first && { first, batch }
}

function takesBatches(destination: Destination | undefined): destination is Destination & BatchDestination {
  return destination?.config.kind === 'http' && destination.config.batch !== undefined
}

/** Another worker may be able to, such as one of the version that wrote it; until then it is not given up. */
const UNREADABLE: GivenBack = {
  delayMs: 30_000,
  reason: 'the destination cannot be read by the worker that took it, whose log says why',
}

/**
 * Nothing of it was sent: its destination has no place left, takes no batches any more since this one was put together,
 * or cannot be read here.
 */
async function giveBack(
  { deliveries }: TakenBatch,
  { ledger, places }: SendOptions,
  how: GivenBack = { delayMs: 0, reason: null },
): Promise<void> {
  await ledger.giveBack(
    deliveries.map(({ id }) => id),
    how,
  )
  places.dueIn(how.delayMs)
}
