/**
 * Did it arrive? One attempt of a delivery, its verdict, and the next try or the dead letter.
 */
import type { Destination, Integrations } from '../integrations/integrations.ts'
import type { Ledger, TakenDelivery } from '../ledger/ledger.ts'
import type { Answer, Outbound } from '../outbound/outbound.ts'
import { parseExact } from '../payload/exact-json.ts'
import { newId } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { VERSION } from '../platform/version.ts'
import { backoff } from './backoff.ts'
import { describeAttempt } from './describe-attempt.ts'
import { type BuiltRequest, buildRequest } from './request.ts'
import { type Verdict, verdict } from './verdict.ts'

export interface SendOptions {
  integrations: Pick<Integrations, 'destination'>
  ledger: Pick<Ledger, 'takeDelivery' | 'extendLease' | 'finishAttempt'>
  outbound: Outbound
  /** Puts the next try into the queue; must not throw and is not waited for. */
  putBack(delivery: { id: string; destinationId: string; tries: number; delayMs: number }): void
  metrics: Metrics
  log: Log
}

/** Long enough for the default time-out of a destination and for a busy worker to commit the end. */
const LEASE_MS = 45_000
const LEASE_MARGIN_MS = 15_000
const RETRY_AFTER_MAX_MS = 24 * 60 * 60 * 1_000

/** Makes one attempt. Nothing happens when the delivery is finished, or another worker holds it. */
export async function attemptDelivery(
  deliveryId: string,
  signal: AbortSignal,
  options: SendOptions,
): Promise<void> {
  const startedAt = new Date()
  const { ledger, outbound } = options
  const taken = await ledger.takeDelivery({ deliveryId, leaseMs: LEASE_MS, interruptedAttemptId: newId() })
  if (!taken) return
  const destination = options.integrations.destination(taken.destinationId)
  await holdForAsLongAsItMayTake(taken, destination, ledger)
  const built = build(taken, destination)
  const answer = built.ok ? await outbound.request({ ...built.request, signal }) : undefined
  const step = nextStep(
    built.ok && answer ? judge(answer, destination) : verdictOf(built),
    taken,
    destination,
  )
  const request = { ...built.request, hidden: built.hidden }
  const attempt = describeAttempt({ id: newId(), startedAt, request, answer, verdict: step.verdict })
  const { state, delayMs } = step
  const end = { deliveryId: taken.id, number: taken.number, state, retryAfterMs: delayMs, attempt }
  if (!(await ledger.finishAttempt(end))) return
  if (delayMs !== null) options.putBack({ ...taken, tries: taken.number, delayMs })
  tell(taken, step, answer, options)
}

async function holdForAsLongAsItMayTake(
  taken: TakenDelivery,
  destination: Destination | undefined,
  ledger: SendOptions['ledger'],
): Promise<void> {
  const leaseMs = (destination?.config.timeoutMs ?? 0) + LEASE_MARGIN_MS
  if (leaseMs > LEASE_MS) await ledger.extendLease(taken.id, taken.number, leaseMs)
}

function build(taken: TakenDelivery, destination: Destination | undefined): BuiltRequest {
  if (!destination) return noDestination('the destination was deleted')
  if (!destination.enabled) return noDestination('the destination is disabled')
  const facts = { deliveryId: taken.id, attempt: taken.number, version: VERSION }
  return buildRequest(destination.config, parseExact(taken.item), facts)
}

function noDestination(message: string): BuiltRequest {
  return {
    ok: false,
    verdict: { verdict: 'dead', reason: 'unsendable', message },
    request: { method: 'POST', url: '', headers: [] },
    hidden: { names: [], texts: [] },
  }
}

function judge(answer: Answer, destination: Destination | undefined): Verdict {
  const success = destination?.config.success ?? []
  return verdict(answer, { success, retryAfterMaxMs: RETRY_AFTER_MAX_MS, now: new Date() })
}

function verdictOf(built: BuiltRequest): Verdict {
  if (built.ok) throw new Error('a request was built and not sent')
  return built.verdict
}

interface Step {
  verdict: Verdict
  state: 'delivered' | 'retrying' | 'dead'
  delayMs: number | null
}

function nextStep(judged: Verdict, taken: TakenDelivery, destination: Destination | undefined): Step {
  if (judged.verdict !== 'retry' || !destination)
    return { verdict: judged, state: ended(judged), delayMs: null }
  const delayMs = backoff(taken.number, destination.config.retry, Math.random, judged.retryAfterMs)
  if (delayMs !== undefined) return { verdict: judged, state: 'retrying', delayMs }
  const message = `${judged.message}; that was the last of ${taken.number} tries`
  return { verdict: { verdict: 'dead', reason: judged.reason, message }, state: 'dead', delayMs: null }
}

function ended(judged: Verdict): 'delivered' | 'dead' {
  return judged.verdict === 'delivered' ? 'delivered' : 'dead'
}

function tell(
  taken: TakenDelivery,
  step: Step,
  answer: Answer | undefined,
  { metrics, log }: SendOptions,
): void {
  metrics.attempts.inc({ verdict: step.verdict.verdict })
  const age = (Date.now() - taken.receivedAt.getTime()) / 1000
  if (step.state === 'delivered') metrics.receiptToDeliverySeconds.observe(age)
  const { id: deliveryId, runId, eventId, integrationId, destinationId, number } = taken
  const ids = { deliveryId, runId, eventId, integrationId, destinationId, attempt: number }
  const { verdict, reason, message } = step.verdict
  const line = {
    ...ids,
    verdict,
    reason,
    state: step.state,
    retryInMs: step.delayMs,
    status: answer?.status,
    ms: answer?.timing.totalMs,
  }
  if (step.state === 'dead') log.warn({ ...line, note: message }, 'attempt')
  else log.info(line, 'attempt')
}
