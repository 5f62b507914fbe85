import { backoff, type Destination } from '../integrations/integrations.ts'
import type { TakenDelivery } from '../ledger/ledger.ts'
import type { Verdict } from './verdict.ts'

/** What follows from an attempt for its delivery. */
export interface Step {
  verdict: Verdict
  state: 'delivered' | 'retrying' | 'dead'
  /** Until it is tried again; null when it is not. */
  delayMs: number | null
  /** Whether it has used up one of its tries. */
  counts: boolean
}

/** As what a killed worker was sending, which another one takes over. */
const STOPPED: Verdict = {
  verdict: 'interrupted',
  reason: 'aborted',
  message: 'the worker was stopped before the answer was seen',
}

/** @param random gives a number from 0 up to, not including, 1 */
export function nextStep(
  judged: Verdict,
  taken: TakenDelivery,
  destination: Destination | undefined,
  random: () => number,
): Step {
  if (judged.verdict !== 'retry' || !destination)
    return { verdict: judged, state: ended(judged), delayMs: null, counts: true }
  if (judged.reason === 'aborted') return { verdict: STOPPED, state: 'retrying', delayMs: 0, counts: false }
  const ageMs = Date.now() - taken.receivedAt.getTime()
  const { retryAfterMs } = judged
  // The pause of the circuit is the wait, and what was sent only to see uses up no try.
  if (taken.probe && ageMs <= (destination.config.retry.ageMaxMs ?? Number.POSITIVE_INFINITY))
    return { verdict: judged, state: 'retrying', delayMs: retryAfterMs ?? 0, counts: false }
  const tries = Math.max(1, taken.number - taken.uncounted)
  const next = backoff({ tries, ageMs, retryAfterMs }, destination.config.retry, random)
  if ('delayMs' in next)
    return { verdict: judged, state: 'retrying', delayMs: next.delayMs, counts: !taken.probe }
  const message = `${judged.message}; ${next.ended}`
  const verdict: Verdict = { verdict: 'dead', reason: judged.reason, message }
  return { verdict, state: 'dead', delayMs: null, counts: true }
}

function ended(judged: Verdict): 'delivered' | 'dead' {
  return judged.verdict === 'delivered' ? 'delivered' : 'dead'
}
