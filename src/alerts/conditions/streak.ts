import { z } from 'zod'
import { type Condition, defineCondition, type LedgerQuestions, type StreakAsked } from '../condition.ts'
import { quoted, spokenReason } from '../spoken.ts'

/** So many failures one after the other. */
interface Streak {
  name: string
  about: Condition['about']
  failures: number
  find(ledger: LedgerQuestions, asked: StreakAsked[]): Promise<{ id: string; reason: string | null }[]>
  /** What failed, without the reason. */
  speak(failures: number, name: string): string
}

/** Over with the first that does not fail. */
export function defineStreak({ name, about, failures, find, speak }: Streak): Condition {
  return defineCondition({
    name,
    about,
    limits: { failures: z.int().min(1).max(1_000).default(failures) },
    async find(watches, { ledger }) {
      const byId = new Map(watches.map((watch) => [watch.id, watch]))
      const asked = watches.map(({ id, limits }) => ({ id, length: limits.failures }))
      return (await find(ledger, asked)).flatMap(({ id, reason }) => {
        const watch = byId.get(id)
        if (!watch) return []
        const sentence = speak(watch.limits.failures, quoted(watch.name)) + spokenReason(reason)
        return [{ id, sentence }]
      })
    },
  })
}
