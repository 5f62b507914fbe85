import type { RetryPolicy } from './destination-retry.ts'

/** `ended` says which limit was reached. */
export type NextTry = { delayMs: number } | { ended: string }

export interface TryFacts {
  /** Attempts made so far, at least 1. */
  tries: number
  /** Since the event was received. */
  ageMs: number
  /** What the other side asked for, already capped. */
  retryAfterMs?: number | undefined
}

/**
 * How long to wait before the next attempt, or why there is none. A wait that the other side asked for is never
 * shortened.
 *
 * @param random gives a number from 0 up to, not including, 1
 */
export function backoff(
  { tries, ageMs, retryAfterMs = 0 }: TryFacts,
  policy: RetryPolicy,
  random: () => number,
): NextTry {
  const ownMs = ownDelayMs(tries, policy, random)
  if (ownMs === undefined) return { ended: `that was the last of ${tries} tries` }
  const delayMs = Math.max(retryAfterMs, Math.round(ownMs))
  const { ageMaxMs } = policy
  if (ageMaxMs !== undefined && ageMs + delayMs > ageMaxMs)
    return { ended: `the next try would come more than ${ageMaxMs / 1_000} seconds after the event` }
  return { delayMs }
}

function ownDelayMs(tries: number, policy: RetryPolicy, random: () => number): number | undefined {
  if (policy.kind === 'schedule') return policy.delaysMs[tries - 1]
  if (tries >= policy.triesMax) return undefined
  switch (policy.kind) {
    case 'fixed':
      return policy.delayMs
    case 'linear':
      return Math.min(policy.delayMaxMs, policy.firstDelayMs + policy.stepMs * (tries - 1))
    case 'exponential': {
      // With many tries the power is Infinity, and the limit holds.
      const fullMs = Math.min(policy.delayMaxMs, policy.firstDelayMs * policy.factor ** (tries - 1))
      // Half is certain and half random, so that deliveries that failed together do not come back together.
      return fullMs / 2 + (random() * fullMs) / 2
    }
  }
}
