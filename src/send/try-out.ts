import type { Destination } from '../integrations/integrations.ts'
import type { AttemptRecord } from '../ledger/ledger.ts'
import type { Json } from '../payload/exact-json.ts'
import { newId } from '../platform/ids.ts'
import { VERSION } from '../platform/version.ts'
import { describeAttempt, responseBytesMaxOf } from './describe-attempt.ts'
import type { Senders } from './kinds/kinds.ts'

/**
 * Sends an item to a destination once, built, signed, guarded and judged as a delivery is, and marked as a test; rows
 * of a table are taken back. Nothing is written down here, and nothing is tried again.
 */
export async function tryDestination(
  destination: Destination,
  item: Json,
  { senders, signal }: { senders: Senders; signal: AbortSignal },
): Promise<AttemptRecord> {
  const [startedAt, deliveryId] = [new Date(), newId()]
  const facts = { deliveryId, attempt: 1, sentAt: startedAt, version: VERSION, isTest: true }
  const pushed = await senders.send(destination, item, facts, { signal })
  const responseBytesMax = responseBytesMaxOf(destination.config)
  return describeAttempt({ id: newId(), startedAt, ...pushed, responseBytesMax })
}
