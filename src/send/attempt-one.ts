import type { Destination } from '../integrations/integrations.ts'
import type { TakenDelivery } from '../ledger/ledger.ts'
import { parseExact } from '../payload/exact-json.ts'
import { type Redaction, redactionOf, SHOWN } from '../payload/redaction.ts'
import { newId } from '../platform/ids.ts'
import { VERSION } from '../platform/version.ts'
import { describeAttempt, responseBytesMaxOf } from './describe-attempt.ts'
import { describeFailure } from './describe-failure.ts'
import { longerLeaseMs } from './lease.ts'
import { nextStep, type Step } from './next-step.ts'
import { notPushed } from './not-pushed.ts'
import { originalOf } from './original.ts'
import type { Pushed } from './push.ts'
import type { SendOptions } from './send-options.ts'
import { settleCircuit } from './settle-circuit.ts'
import { tellAttempt } from './tell-attempt.ts'
import { tooLate } from './too-late.ts'

/** One attempt of a delivery that is sent by itself. */
export async function attemptOne(
  taken: TakenDelivery,
  destination: Destination | undefined,
  signal: AbortSignal,
  options: SendOptions,
): Promise<void> {
  const startedAt = new Date()
  const { ledger, places } = options
  const leaseMs = longerLeaseMs(destination)
  if (leaseMs !== undefined) await ledger.extendLease(taken.id, taken.number, leaseMs)
  const pushed = await pushTaken(taken, destination, startedAt, { ...options, signal })
  const step = nextStep(pushed.verdict, taken, destination, Math.random)
  const { state, delayMs } = step
  const responseBytesMax = responseBytesMaxOf(destination?.config)
  const redaction = redactionFor(taken)
  const attempt = describeAttempt({
    id: newId(),
    startedAt,
    ...pushed,
    verdict: step.verdict,
    responseBytesMax,
    redaction,
  })
  const end = { delivery: taken, state, retryAfterMs: delayMs, counts: step.counts, attempt }
  if (!(await ledger.finishAttempt(end))) return
  if (delayMs !== null) places.dueIn(delayMs)
  count(taken, step, options)
  tellAttempt(taken, step, pushed, redaction, options.log)
  await settleCircuit(taken, destination, step.verdict, options)
  if (step.verdict.verdict === 'retry' || step.verdict.verdict === 'dead')
    await options.attemptFailed(describeFailure(taken, attempt, pushed.request, redaction, delayMs))
}

function redactionFor({ hidden }: TakenDelivery): Redaction {
  return hidden === null ? SHOWN : redactionOf(JSON.parse(hidden))
}

async function pushTaken(
  taken: TakenDelivery,
  destination: Destination | undefined,
  sentAt: Date,
  { ledger, senders, signal }: SendOptions & { signal: AbortSignal },
): Promise<Pushed> {
  if (!destination) return notPushed('the destination was deleted')
  if (!destination.enabled) return notPushed('the destination is disabled')
  const late = tooLate(taken, destination, sentAt)
  if (late !== undefined) return notPushed(late, 'too_late')
  const original = await originalOf(taken, destination, ledger)
  if (original && 'message' in original) return notPushed(original.message)
  const facts = { deliveryId: taken.id, attempt: taken.number, sentAt, version: VERSION, original }
  return senders.send(destination, parseExact(taken.item), facts, { signal })
}

function count({ receivedAt }: TakenDelivery, { verdict, state }: Step, { metrics }: SendOptions): void {
  metrics.attempts.inc({ verdict: verdict.verdict })
  const age = (Date.now() - receivedAt.getTime()) / 1000
  if (state === 'delivered') metrics.receiptToDeliverySeconds.observe(age)
}
