import type { Ledger } from '../ledger/ledger.ts'
import { within } from '../platform/time-limit.ts'

const RECOUNT_MS = 5_000
const COUNT_WAIT_MS = 1_000

/**
 * Whether an integration may hold one more event. Counted in the ledger every few seconds and in memory in between:
 * a flood of wrongly signed requests must not become a flood of counting. While the ledger is away the last count
 * stands, and what has come since is added to it.
 *
 * @param now milliseconds that never go back.
 */
export function createQuarantine(
  ledger: Pick<Ledger, 'countQuarantined'>,
  heldMax: number,
  now: () => number,
): (integrationId: string) => Promise<boolean> {
  const counts = new Map<
    string,
    { held: Promise<number>; more: number; countedAt: number; isAsked: boolean }
  >()

  function countOf(integrationId: string) {
    const known = counts.get(integrationId)
    // A database that hangs is not asked again before it answers.
    if (known && (known.isAsked || now() - known.countedAt < RECOUNT_MS)) return known
    const asked = ledger.countQuarantined(integrationId, heldMax)
    const held = within(COUNT_WAIT_MS, asked).catch(lastCount)
    const count = { held, more: 0, countedAt: now(), isAsked: true }
    const answered = () => {
      count.isAsked = false
    }
    asked.then(answered, answered)
    counts.set(integrationId, count)
    return count

    async function lastCount(): Promise<number> {
      return known ? (await known.held) + known.more : 0
    }
  }

  return async (integrationId) => {
    const count = countOf(integrationId)
    const held = await count.held
    if (held + count.more >= heldMax) return false
    count.more += 1
    return true
  }
}
