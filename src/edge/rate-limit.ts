import { Refusal } from './refusal.ts'

/**
 * A token bucket for each integration that has a limit: a burst, of one second's worth unless given, then the rate.
 *
 * @param now milliseconds that never go back.
 */
export function createRateLimit(
  now: () => number,
): (integrationId: string, perSecondMax: number | undefined, burstMax?: number) => void {
  const buckets = new Map<string, { tokens: number; filledAt: number }>()
  return (integrationId, perSecondMax, burstMax) => {
    if (perSecondMax === undefined) return
    const at = now()
    const burst = burstMax ?? Math.max(perSecondMax, 1)
    const bucket = buckets.get(integrationId) ?? { tokens: burst, filledAt: at }
    bucket.tokens = Math.min(burst, bucket.tokens + ((at - bucket.filledAt) / 1000) * perSecondMax)
    bucket.filledAt = at
    buckets.set(integrationId, bucket)
    if (bucket.tokens < 1) throw new Refusal('rate_limited')
    bucket.tokens -= 1
  }
}
