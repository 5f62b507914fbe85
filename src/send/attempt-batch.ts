import type { Destination } from '../integrations/integrations.ts'
import { type BatchedEnd, batchIdOf, type TakenBatch, type TakenDelivery } from '../ledger/ledger.ts'
import { parseExact } from '../payload/exact-json.ts'
import { type HiddenTexts, joinTexts } from '../payload/redact-fields.ts'
import { type Redaction, redactionOf, SHOWN } from '../payload/redaction.ts'
import { newId } from '../platform/ids.ts'
import { VERSION } from '../platform/version.ts'
import type { BatchItem } from './batch-body.ts'
import { describeAttempt, reasonOf } from './describe-attempt.ts'
import { describeFailure } from './describe-failure.ts'
import { longerLeaseMs } from './lease.ts'
import { nextStep, type Step } from './next-step.ts'
import { notPushed } from './not-pushed.ts'
import type { BatchDestination, PushedBatch } from './push-batch.ts'
import type { SendOptions } from './send-options.ts'
import { settleCircuit } from './settle-circuit.ts'
import { tellAttempt } from './tell-attempt.ts'
import type { Reason, Verdict } from './verdict.ts'

/** What became of one delivery of the batch. */
interface Ended {
  taken: TakenDelivery
  step: Step
  /** Which batch it belongs to when it is tried again; null for whatever comes together then. */
  nextBatchId: string | null
}

/** One push of several deliveries, and what follows from it for each. */
export async function attemptBatch(
  { deliveries, probeId }: TakenBatch,
  destination: Destination & BatchDestination,
  signal: AbortSignal,
  options: SendOptions,
): Promise<void> {
  const startedAt = new Date()
  const { ledger, places } = options
  const leaseMs = longerLeaseMs(destination)
  if (leaseMs !== undefined)
    await ledger.extendLeases(
      deliveries.map(({ id }) => id),
      leaseMs,
    )
  const pushed = await pushTaken(deliveries, destination, startedAt, { ...options, signal })
  const ended = endsOf(deliveries, pushed, destination)
  const lead = ended.find(({ step }) => step.state === 'delivered') ?? ended[0]
  if (!lead) return
  const redaction = redactionFor(deliveries)
  const { responseBytesMax } = destination.config
  const { verdict } = lead.step
  const record = describeAttempt({ id: newId(), startedAt, ...pushed, verdict, responseBytesMax, redaction })
  const told = (step: Step) => reasonOf(step.verdict, pushed.request.hidden, redaction)
  const ends = ended.map((end) => endOf(end, end === lead ? record.id : newId(), told(end.step)))
  const kept = await ledger.finishBatch({ batchId: pushed.batchId, lead: record, ends })
  const left = ended.filter(({ taken }) => kept.has(taken.id))
  if (left.length === 0) return
  for (const { step } of left) if (step.delayMs !== null) places.dueIn(step.delayMs)
  tell(left, pushed, redaction, options)
  const attempted = { ...lead.taken, id: probeId ?? lead.taken.id }
  await settleCircuit(attempted, destination, verdict, options)
  for (const failed of ['retry', 'dead'] as const) {
    const [first, ...others] = left.filter(({ step }) => step.verdict.verdict === failed)
    if (!first) continue
    const attempt = { ...record, reason: told(first.step) }
    const failure = describeFailure(first.taken, attempt, pushed.request, redaction, first.step.delayMs)
    await options.attemptFailed({ ...failure, others: others.length })
  }
}

async function pushTaken(
  deliveries: readonly TakenDelivery[],
  destination: Destination & BatchDestination,
  sentAt: Date,
  { senders, signal }: SendOptions & { signal: AbortSignal },
): Promise<PushedBatch> {
  const items: BatchItem[] = deliveries.map(({ id, item }) => ({ deliveryId: id, item: parseExact(item) }))
  if (!destination.enabled) {
    const pushed = notPushed('the destination is disabled')
    const batchId = batchIdOf(items.map(({ deliveryId }) => deliveryId))
    return { ...pushed, batchId, verdicts: items.map(() => pushed.verdict) }
  }
  // The first attempt of a batch is one in which nothing of it was ever sent.
  const attempt = Math.max(...deliveries.map(({ number }) => number))
  return senders.sendBatch(destination, items, { attempt, sentAt, version: VERSION }, { signal })
}

/** One draw for all of them: what has failed as often comes back at the same time, and may go together again. */
function endsOf(
  deliveries: readonly TakenDelivery[],
  pushed: PushedBatch,
  destination: Destination & BatchDestination,
): Ended[] {
  const draw = Math.random()
  const isApart = destination.config.batch.apart && deliveries.length > 1 && isForContent(pushed.verdict)
  const ended = deliveries.map((taken, index): Ended => {
    const judged = pushed.verdicts[index] ?? pushed.verdict
    const step = nextStep(isApart ? alone(judged) : judged, taken, destination, () => draw)
    if (isApart && step.delayMs !== null)
      return { taken, step: { ...step, delayMs: 0 }, nextBatchId: batchIdOf([taken.id]) }
    return { taken, step, nextBatchId: pushed.verdict.verdict === 'retry' ? pushed.batchId : null }
  })
  return pushed.verdict.verdict === 'retry' ? atOneTime(ended) : ended
}

/** What may have arrived as a batch is sent as the same batch, so that whoever received it recognises it. */
function atOneTime(ended: Ended[]): Ended[] {
  const delayMs = Math.max(0, ...ended.map(({ step }) => step.delayMs ?? 0))
  return ended.map((end) => (end.step.delayMs === null ? end : { ...end, step: { ...end.step, delayMs } }))
}

const FOR_CONTENT: readonly Reason[] = ['bad_payload', 'payload_too_large']

function isForContent({ verdict, reason }: Verdict): boolean {
  return verdict === 'dead' && FOR_CONTENT.includes(reason)
}

function alone({ reason, message }: Verdict): Verdict {
  const said = `${message}; what was in this batch is sent one by one`
  return { verdict: 'retry', reason: reason as Exclude<Reason, 'success'>, message: said }
}

function endOf({ taken, step, nextBatchId }: Ended, attemptId: string, reason: string): BatchedEnd {
  return {
    deliveryId: taken.id,
    number: taken.number,
    state: step.state,
    retryAfterMs: step.delayMs,
    counts: step.counts,
    nextBatchId,
    attempt: { id: attemptId, verdict: step.verdict.verdict, reason },
  }
}

/** What must not be shown of one of them must not be shown where all of them stand. */
function redactionFor(deliveries: readonly TakenDelivery[]): Redaction {
  const all = deliveries.flatMap(({ hidden }): HiddenTexts[] => (hidden === null ? [] : [JSON.parse(hidden)]))
  return all.length === 0 ? SHOWN : redactionOf(joinTexts(...all))
}

/** One line for the push, and one more for each delivery that it ended. */
function tell(
  ended: readonly Ended[],
  pushed: PushedBatch,
  redaction: Redaction,
  { metrics, log }: SendOptions,
): void {
  const { answer, batchId, request } = pushed
  for (const { taken, step } of ended) {
    metrics.attempts.inc({ verdict: step.verdict.verdict })
    if (step.state !== 'delivered') continue
    metrics.receiptToDeliverySeconds.observe((Date.now() - taken.receivedAt.getTime()) / 1000)
  }
  const count = (state: Step['state']) => ended.filter(({ step }) => step.state === state).length
  const line = {
    batchId,
    destinationId: ended[0]?.taken.destinationId,
    deliveryIds: ended.map(({ taken }) => taken.id),
    verdict: pushed.verdict.verdict,
    reason: pushed.verdict.reason,
    delivered: count('delivered'),
    retrying: count('retrying'),
    dead: count('dead'),
    status: answer?.status,
    ms: answer?.timing.totalMs,
  }
  log.info(line, 'batch')
  for (const { taken, step } of ended)
    if (step.state === 'dead') tellAttempt(taken, step, { answer, request }, redaction, log)
}
