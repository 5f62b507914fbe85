import { z } from 'zod'
import {
  type Condition,
  type DeadAsked,
  type DeadFound,
  defineCondition,
  type LedgerQuestions,
} from '../condition.ts'
import { quoted, spokenReason } from '../spoken.ts'

const COUNTED_MAX = 1_000
const MINUTE_MS = 60_000

/** Something that ended and will not be tried again by itself. */
interface Deaths {
  name: string
  about: Condition['about']
  count(ledger: LedgerQuestions, asked: DeadAsked[], max: number): Promise<DeadFound[]>
  /** What died, without the reason. */
  speak(count: number, name: string): string
}

/** Over when nothing else has died for a while, or all of it was dealt with. */
export function defineDeaths({ name, about, count, speak }: Deaths): Condition {
  return defineCondition({
    name,
    about,
    limits: { quietMinutes: z.int().min(1).max(43_200).default(60) },
    async find(watches, { ledger, now }) {
      const asked = watches.map(({ id, limits }) => ({
        id,
        since: new Date(now.getTime() - limits.quietMinutes * MINUTE_MS),
      }))
      const names = new Map(watches.map((watch) => [watch.id, watch.name]))
      const found = await count(ledger, asked, COUNTED_MAX)
      return found.map(({ id, count: many, reason }) => ({
        id,
        sentence: `${many < COUNTED_MAX ? '' : 'at least '}${speak(many, quoted(names.get(id) ?? id))} died${spokenReason(reason)}`,
      }))
    },
  })
}
