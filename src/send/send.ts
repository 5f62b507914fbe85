/**
 * Did it arrive? One attempt of a delivery, its verdict, and the next try or the dead letter.
 */
import type { FailedAttempt } from '../alerts/alerts.ts'
import { maskText } from '../http-request/http-request.ts'
import { backoff, type Destination, type Integrations } from '../integrations/integrations.ts'
import type { Ledger, TakenDelivery } from '../ledger/ledger.ts'
import { parseExact } from '../payload/exact-json.ts'
import { newId } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { VERSION } from '../platform/version.ts'
import { describeAttempt, responseBytesMaxOf } from './describe-attempt.ts'
import { describeFailure } from './describe-failure.ts'
import { healthAfter, ILL_REASONS } from './health.ts'
import type { Senders } from './kinds/kinds.ts'
import type { Pushed } from './push.ts'
import type { Verdict } from './verdict.ts'

export type { OwnServers } from './kinds/kind.ts'
export { createSenders, type Senders } from './kinds/kinds.ts'
export { tryDestination } from './try-out.ts'

export interface SendOptions {
  integrations: Pick<Integrations, 'destination'>
  ledger: Pick<Ledger, 'takeDelivery' | 'standBack' | 'extendLease' | 'finishAttempt' | 'settleCircuit'>
  /** One for the process: what is kept is kept here. */
  senders: Senders
  places: Places
  /** Tells whoever wants to hear of each failed attempt; must not reject. */
  attemptFailed(attempt: FailedAttempt): Promise<void>
  metrics: Metrics
  log: Log
}

/** The places that destinations have in this worker; whoever keeps them also lets those go that wait. */
export interface Places {
  /** Destinations with none left. */
  full(): string[]
  begun(destinationId: string): void
  ended(taken: Pick<TakenDelivery, 'destinationId' | 'keyed'>): void
  /** A delivery to the destination waits for its turn again. */
  stoodBack(destinationId: string): void
  /** A delivery will be due then. */
  dueIn(delayMs: number): void
  /** The destination may take deliveries again, or no more. */
  wake(destinationId: string): void
}

/** Long enough for the default time-out of a destination and for a busy worker to commit the end. */
const LEASE_MS = 45_000
const LEASE_MARGIN_MS = 15_000

/**
 * Makes one attempt. Nothing happens when the delivery is finished, or another worker holds it; when its destination
 * is held or has no place left, the delivery waits again.
 */
export async function attemptDelivery(
  deliveryId: string,
  signal: AbortSignal,
  options: SendOptions,
): Promise<void> {
  const { ledger, places } = options
  const notFor = places.full()
  const take = { deliveryId, leaseMs: LEASE_MS, interruptedAttemptId: newId(), notFor }
  const taken = await ledger.takeDelivery(take)
  if (!taken) {
    const destinationId = await ledger.standBack(deliveryId)
    if (destinationId !== undefined) places.stoodBack(destinationId)
    return
  }
  places.begun(taken.destinationId)
  try {
    await attemptTaken(taken, signal, options)
  } finally {
    places.ended(taken)
  }
}

async function attemptTaken(taken: TakenDelivery, signal: AbortSignal, options: SendOptions): Promise<void> {
  const startedAt = new Date()
  const { ledger, places } = options
  const destination = options.integrations.destination(taken.destinationId)
  await holdForAsLongAsItMayTake(taken, destination, ledger)
  const pushed = await pushTaken(taken, destination, startedAt, { ...options, signal })
  const step = nextStep(pushed.verdict, taken, destination)
  const { state, delayMs } = step
  const responseBytesMax = responseBytesMaxOf(destination?.config)
  const attempt = describeAttempt({
    id: newId(),
    startedAt,
    ...pushed,
    verdict: step.verdict,
    responseBytesMax,
  })
  const wasProbe = taken.probe && state === 'retrying'
  const end = { deliveryId: taken.id, number: taken.number, state, retryAfterMs: delayMs, wasProbe, attempt }
  if (!(await ledger.finishAttempt(end))) return
  if (delayMs !== null) places.dueIn(delayMs)
  tell(taken, step, pushed, options)
  await settleCircuit(taken, destination, step.verdict, options)
  if (step.state !== 'delivered')
    await options.attemptFailed(describeFailure(taken, attempt, pushed.request, delayMs))
}

/** Of most attempts there is nothing to settle: nothing failed, and the circuit is closed. */
async function settleCircuit(
  { id: deliveryId, destinationId, probe }: TakenDelivery,
  destination: Destination | undefined,
  judged: Verdict,
  { ledger, places, log }: SendOptions,
): Promise<void> {
  const health = healthAfter(judged)
  if (!probe && health !== 'ill') return
  const circuit = destination?.config.circuit
  const rule = circuit === undefined || circuit === false ? null : circuit
  const attempt = { destinationId, deliveryId, probe, health, illReasons: ILL_REASONS }
  const change = await ledger.settleCircuit({ ...attempt, rule, now: new Date() })
  if (change === 'opened') log.warn({ destinationId }, 'the circuit of a destination opened')
  if (change === 'closed') log.info({ destinationId }, 'the circuit of a destination closed')
  if (change || probe) places.wake(destinationId)
}

async function holdForAsLongAsItMayTake(
  taken: TakenDelivery,
  destination: Destination | undefined,
  ledger: SendOptions['ledger'],
): Promise<void> {
  const leaseMs = (destination?.config.timeoutMs ?? 0) + LEASE_MARGIN_MS
  if (leaseMs > LEASE_MS) await ledger.extendLease(taken.id, taken.number, leaseMs)
}

function pushTaken(
  taken: TakenDelivery,
  destination: Destination | undefined,
  sentAt: Date,
  options: SendOptions & { signal: AbortSignal },
): Promise<Pushed> | Pushed {
  if (!destination) return notPushed('the destination was deleted')
  if (!destination.enabled) return notPushed('the destination is disabled')
  const facts = { deliveryId: taken.id, attempt: taken.number, sentAt, version: VERSION }
  return options.senders.send(destination, parseExact(taken.item), facts, { signal: options.signal })
}

function notPushed(message: string): Pushed {
  return {
    request: { method: 'POST', url: '', headers: [], hidden: { names: [], texts: [] } },
    answer: undefined,
    verdict: { verdict: 'dead', reason: 'unsendable', message },
  }
}

interface Step {
  verdict: Verdict
  state: 'delivered' | 'retrying' | 'dead'
  delayMs: number | null
}

function nextStep(judged: Verdict, taken: TakenDelivery, destination: Destination | undefined): Step {
  if (judged.verdict !== 'retry' || !destination)
    return { verdict: judged, state: ended(judged), delayMs: null }
  const ageMs = Date.now() - taken.receivedAt.getTime()
  const { retryAfterMs } = judged
  // The pause of the circuit is the wait, and what was sent only to see uses up no try.
  if (taken.probe && ageMs <= (destination.config.retry.ageMaxMs ?? Number.POSITIVE_INFINITY))
    return { verdict: judged, state: 'retrying', delayMs: retryAfterMs ?? 0 }
  const tries = Math.max(1, taken.number - taken.probes)
  const next = backoff({ tries, ageMs, retryAfterMs }, destination.config.retry, Math.random)
  if ('delayMs' in next) return { verdict: judged, state: 'retrying', delayMs: next.delayMs }
  const message = `${judged.message}; ${next.ended}`
  return { verdict: { verdict: 'dead', reason: judged.reason, message }, state: 'dead', delayMs: null }
}

function ended(judged: Verdict): 'delivered' | 'dead' {
  return judged.verdict === 'delivered' ? 'delivered' : 'dead'
}

function tell(
  taken: TakenDelivery,
  step: Step,
  { answer, request }: Pushed,
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
  if (step.state === 'dead') log.warn({ ...line, note: maskText(message, request.hidden) }, 'attempt')
  else log.info(line, 'attempt')
}
