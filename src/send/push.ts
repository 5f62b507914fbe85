import {
  type Hidden,
  type Performed,
  type PerformOptions,
  performRequest,
  type RequestFacts,
} from '../http-request/http-request.ts'
import type { ConfigOf } from '../integrations/integrations.ts'
import type { Original } from '../ledger/ledger.ts'
import type { Json } from '../payload/exact-json.ts'
import type { KindAnswer } from './kinds/kind.ts'
import type { Verdict } from './verdict.ts'

/** What a request says about its delivery, or about its batch, whose id then is that of a delivery. */
export interface DeliveryFacts {
  deliveryId: string
  /** Which attempt this is, from 1. */
  attempt: number
  sentAt: Date
  /** Of this program. */
  version: string
  /** Sent as it is, instead of the item. */
  original?: Original | undefined
  /** Marked as a test for whoever gets it, and taken back where that can be. */
  isTest?: boolean
}

/** What one attempt did, whatever the kind of its destination. `answer` is undefined when nothing was sent. */
export interface Pushed {
  request: {
    method: string
    url: string
    headers: readonly [name: string, value: string][]
    body?: Buffer | string | undefined
    hidden: Hidden
  }
  answer: Performed['answer'] | KindAnswer
  verdict: Verdict
}
export type PushOptions = PerformOptions

/**
 * Receivers of webhooks answer in a few bytes; what comes beyond this is not read. More than is ever kept, so that a
 * secret that is echoed is found whole where the kept part is cut.
 */
export const RESPONSE_BYTES_MAX = 81_920

/** Brings an item to its destination once, all of it within the destination's time-out. */
export function push(
  { id, config }: { id: string; config: ConfigOf<'http'> },
  item: Json,
  facts: DeliveryFacts,
  options: PushOptions,
): Promise<Pushed> {
  const { retryAfterMaxMs } = config.retry
  const wish = { id, config, retryAfterMaxMs, responseBytesMax: RESPONSE_BYTES_MAX }
  return performRequest(wish, item, requestFactsOf(facts), options)
}

/**
 * What an attempt has of its own is `sluice-attempt`, and the time in a signature: by `idempotency-key` (also sent as
 * `webhook-id`) the receiver can recognise what it has seen.
 */
export function requestFactsOf(facts: DeliveryFacts): RequestFacts {
  const { deliveryId, attempt, sentAt, version, original, isTest } = facts
  const encoding = original?.contentEncoding ?? null
  return {
    id: deliveryId,
    sentAt,
    headers: [
      ['user-agent', `Sluice/${version}`],
      ['idempotency-key', deliveryId],
      ['webhook-id', deliveryId],
      ['sluice-attempt', String(attempt)],
      ...(isTest ? [['sluice-test', 'true'] as const] : []),
      ...(encoding === null ? [] : [['content-encoding', encoding] as const]),
    ],
    body: original && { body: original.body, contentType: original.contentType },
  }
}
