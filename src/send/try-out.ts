import type { Destination } from '../integrations/integrations.ts'
import type { AttemptRecord } from '../ledger/ledger.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Json } from '../payload/exact-json.ts'
import { newId } from '../platform/ids.ts'
import { VERSION } from '../platform/version.ts'
import { describeAttempt, responseBytesMaxOf } from './describe-attempt.ts'
import type { Senders } from './kinds/kinds.ts'

/** Tells a receiver that nothing is to be done. No signature covers it. */
const TEST_HEADER: [name: string, value: string] = ['sluice-test', 'true']

/**
 * Sends an item to a destination once, built, signed, guarded and judged as a delivery is, and over HTTP marked as
 * a test. Nothing is written down here, and nothing is tried again.
 */
export async function tryDestination(
  destination: Destination,
  item: Json,
  options: { outbound: Outbound; senders: Senders; signal: AbortSignal },
): Promise<AttemptRecord> {
  const [startedAt, deliveryId] = [new Date(), newId()]
  const facts = { deliveryId, attempt: 1, sentAt: startedAt, version: VERSION }
  const { outbound, senders, signal } = options
  const pushed = await senders.send(destination, item, facts, { signal, outbound: marking(outbound) })
  const isMarked = destination.config.kind === 'http'
  const headers = isMarked ? [...pushed.request.headers, TEST_HEADER] : pushed.request.headers
  const request = { ...pushed.request, headers }
  const responseBytesMax = responseBytesMaxOf(destination.config)
  return describeAttempt({ id: newId(), startedAt, ...pushed, request, responseBytesMax })
}

function marking(outbound: Outbound): Outbound {
  return {
    ...outbound,
    request: (request) => outbound.request({ ...request, headers: [...request.headers, TEST_HEADER] }),
  }
}
