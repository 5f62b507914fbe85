export interface RetryPolicy {
  /** Attempts in all, the first one included. */
  triesMax: number
  firstDelayMs: number
  /** How much longer each wait is than the one before it. */
  factor: number
  /** No wait of ours is longer. */
  delayMaxMs: number
}

/**
 * How long to wait before the next attempt, in milliseconds; undefined when the tries are used up.
 *
 * Half of the exponential wait is certain and half is random, so that deliveries that failed together do not come
 * back together. A wait that the destination asked for is never shortened.
 *
 * @param tries attempts made so far, at least 1
 * @param random gives a number from 0 up to, not including, 1
 * @param retryAfterMs what the destination asked for, already capped
 */
export function backoff(
  tries: number,
  policy: RetryPolicy,
  random: () => number,
  retryAfterMs = 0,
): number | undefined {
  if (tries >= policy.triesMax) return undefined
  // With many tries the power is Infinity, and the limit holds.
  const fullMs = Math.min(policy.delayMaxMs, policy.firstDelayMs * policy.factor ** (tries - 1))
  return Math.max(retryAfterMs, Math.round(fullMs / 2 + (random() * fullMs) / 2))
}
