import { z } from 'zod'
import { defineCondition } from '../condition.ts'
import { quoted, spokenSpan } from '../spoken.ts'

const MINUTE_MS = 60_000

/**
 * A source that should send more often than this has sent nothing. How often that is only an operator knows, so there
 * is no usual limit. One that never sent anything is silent since its rule was made.
 */
export const silence = defineCondition({
  name: 'silence',
  about: 'integration',
  limits: { silentAfterMinutes: z.int().min(1).max(525_600) },
  async find(watches, { ledger, now }) {
    const heard = await ledger.findLastHeard(watches.map(({ id }) => id))
    return watches.flatMap(({ id, name, limits, ruleSince }) => {
      const lastAt = heard.get(id) ?? ruleSince ?? now
      const silentMs = now.getTime() - lastAt.getTime()
      if (silentMs <= limits.silentAfterMinutes * MINUTE_MS) return []
      return [
        { id, sentence: `integration ${quoted(name)} has received nothing for ${spokenSpan(silentMs)}` },
      ]
    })
  },
})
