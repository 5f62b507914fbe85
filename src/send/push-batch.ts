import { performRequest } from '../http-request/http-request.ts'
import type { ConfigOf } from '../integrations/integrations.ts'
import { batchIdOf } from '../ledger/ledger.ts'
import { type BatchConfig, type BatchItem, writeBatch } from './batch-body.ts'
import { RESULTS_BYTES_MAX, verdictsOf } from './batch-results.ts'
import {
  type DeliveryFacts,
  type Pushed,
  type PushOptions,
  RESPONSE_BYTES_MAX,
  requestFactsOf,
} from './push.ts'
import type { Verdict } from './verdict.ts'

export interface BatchDestination {
  id: string
  config: ConfigOf<'http'> & { batch: BatchConfig }
}

/** A push of several deliveries; `verdict` is what was said of all. */
export interface PushedBatch extends Pushed {
  batchId: string
  /** Of each item, in their order. */
  verdicts: Verdict[]
}

/** Brings several items to their destination in one push, all of it within the destination's time-out. */
export async function pushBatch(
  { id, config }: BatchDestination,
  items: readonly BatchItem[],
  facts: Omit<DeliveryFacts, 'deliveryId' | 'original'>,
  options: PushOptions,
): Promise<PushedBatch> {
  const { batch } = config
  const { retryAfterMaxMs } = config.retry
  const batchId = batchIdOf(items.map(({ deliveryId }) => deliveryId))
  const responseBytesMax = batch.results ? RESULTS_BYTES_MAX : RESPONSE_BYTES_MAX
  const pushed = await performRequest(
    { id, config, retryAfterMaxMs, responseBytesMax },
    { batch: { id: batchId, count: items.length } },
    { ...requestFactsOf({ ...facts, deliveryId: batchId }), body: writeBatch(batchId, items, batch) },
    options,
  )
  const policy = { ...config, retryAfterMaxMs, now: new Date() }
  return {
    ...pushed,
    batchId,
    verdicts: await verdictsOf(pushed.answer, pushed.verdict, items, batch.results, policy),
  }
}
