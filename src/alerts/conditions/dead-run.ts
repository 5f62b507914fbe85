import { z } from 'zod'
import { defineCondition } from '../condition.ts'
import { quoted, spokenCount, spokenReason } from '../spoken.ts'

const COUNTED_MAX = 1_000
const MINUTE_MS = 60_000

/** Events whose run died before any delivery was made. Over when no other has died for a while, or all were dealt with. */
export const deadRun = defineCondition({
  name: 'dead_run',
  about: 'integration',
  limits: { quietMinutes: z.int().min(1).max(43_200).default(60) },
  async find(watches, { ledger, now }) {
    const asked = watches.map(({ id, limits }) => ({
      id,
      since: new Date(now.getTime() - limits.quietMinutes * MINUTE_MS),
    }))
    const names = new Map(watches.map(({ id, name }) => [id, name]))
    const found = await ledger.countDeadRuns(asked, COUNTED_MAX)
    return found.map(({ id, count, reason }) => ({
      id,
      sentence: `${spokenCount(count, 'event')} of integration ${quoted(names.get(id) ?? id)} died${spokenReason(reason)}`,
    }))
  },
})
