import type { Evidence } from './evidence.ts'
import { type Finding, wrong } from './finding.ts'

/**
 * Did what was sent one after the other, each when the one before it was acknowledged, arrive in that order? Counted is
 * when each arrived first.
 *
 * The order is that of the edges' clocks. Where a clock was turned, two events that its edge put in another order than
 * their sender are no fault.
 */
export function findWrongOrder({ taken, acked, requestOf, events, isClockTurned }: Evidence): Finding[] {
  const ids = new Map(
    events.filter(({ state }) => state !== 'duplicate').map(({ number, id }) => [number, id]),
  )
  const latest = new Map<number, number>()
  const seen = new Set<number>()
  const findings: Finding[] = []
  for (const { number } of taken) {
    const { orderKey } = requestOf(number)
    if (orderKey === null || seen.has(number) || !acked.has(number)) continue
    seen.add(number)
    const before = latest.get(orderKey) ?? 0
    const isByClock = isClockTurned && (ids.get(number) ?? '') > (ids.get(before) ?? '')
    if (number < before && !isByClock)
      findings.push(wrong(number, `arrived after ${before}, which was sent after it (order key ${orderKey})`))
    latest.set(orderKey, Math.max(before, number))
  }
  return findings
}
