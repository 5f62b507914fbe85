import { z } from 'zod'
import { defineCondition } from '../condition.ts'
import { quoted, spokenCount, spokenSpan } from '../spoken.ts'

/**
 * An edge cannot bring into the ledger what it acknowledged. Each edge looks at its own journal, whether the database
 * is there or not.
 */
export const journal = defineCondition({
  name: 'journal',
  about: 'edge',
  limits: { olderThanSeconds: z.int().min(0).max(86_400).default(60) },
  async find(watches, { journal, now }) {
    if (!journal) return []
    const { away, oldestAgeMs, records, problem, setAside, damaged } = journal
    const awayMs = away === null ? 0 : now.getTime() - away.since.getTime()
    return watches.flatMap(({ id, name, limits }) => {
      const isLong = Math.max(awayMs, oldestAgeMs ?? 0) >= limits.olderThanSeconds * 1_000
      const faults = [
        ...(away && isLong
          ? [
              `has kept requests in its journal for ${spokenSpan(awayMs)} (${away.reason}); ${waiting(records)}`,
            ]
          : []),
        ...(!away && records > 0 && isLong ? [`has ${waiting(records)} in its journal`] : []),
        ...(problem === null ? [] : [`cannot write its journal: ${problem}`]),
        ...(setAside > 0 ? [`set aside ${acknowledged(setAside)} that PostgreSQL does not take`] : []),
        ...(damaged > 0 ? [`has ${spokenCount(damaged, 'part')} of its journal that cannot be read`] : []),
      ]
      return faults.length === 0 ? [] : [{ id, sentence: `edge ${quoted(name)} ${faults.join(', and ')}` }]
    })
  },
})

function waiting(records: number): string {
  return `${acknowledged(records)} waiting`
}

function acknowledged(count: number): string {
  return spokenCount(count, 'acknowledged request')
}
