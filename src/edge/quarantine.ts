import type { Ledger } from '../ledger/ledger.ts'

const RECOUNT_MS = 5_000

/**
 * Whether an integration may hold one more event. Counted in the ledger every few seconds and in memory in between:
 * a flood of wrongly signed requests must not become a flood of counting.
 *
 * @param now milliseconds that never go back.
 */
export function createQuarantine(
  ledger: Pick<Ledger, 'countQuarantined'>,
  heldMax: number,
  now: () => number,
): (integrationId: string) => Promise<boolean> {
  const counts = new Map<string, { held: Promise<number>; more: number; countedAt: number }>()

  function countOf(integrationId: string) {
    const known = counts.get(integrationId)
    if (known && now() - known.countedAt < RECOUNT_MS) return known
    const count = { held: ledger.countQuarantined(integrationId, heldMax), more: 0, countedAt: now() }
    counts.set(integrationId, count)
    // What could not be counted is counted again with the next request.
    count.held.catch(() => counts.delete(integrationId))
    return count
  }

  return async (integrationId) => {
    const count = countOf(integrationId)
    const held = await count.held
    if (held + count.more >= heldMax) return false
    count.more += 1
    return true
  }
}
