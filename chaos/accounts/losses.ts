import type { Evidence } from './evidence.ts'
import { type Finding, lost } from './finding.ts'

/** Is every acknowledged number in the ledger, and has it arrived where it had to? */
export function findLosses({ acked, eventsByNumber, takenByNumber, requestOf }: Evidence): Finding[] {
  const firstOfKey = new Set<string>()
  for (const number of takenByNumber.keys()) {
    const { dedupeKey } = requestOf(number)
    if (dedupeKey !== null) firstOfKey.add(dedupeKey)
  }

  function fault(number: number): string | undefined {
    if (!eventsByNumber.has(number)) return 'acknowledged, and not in the ledger'
    const { fate, dedupeKey } = requestOf(number)
    if (fate === 'delivered' && !takenByNumber.has(number)) return 'in the ledger, and never arrived'
    if (fate === 'first' && !firstOfKey.has(dedupeKey ?? ''))
      return `none of those with its dedupe key ever arrived (${dedupeKey})`
    return undefined
  }

  return [...acked].flatMap((number) => {
    const found = fault(number)
    return found === undefined ? [] : [lost(number, found)]
  })
}
