import { z } from 'zod'
import { defineCondition } from '../condition.ts'
import { quoted, spokenSpan } from '../spoken.ts'

/** An event waits too long for its run to end: there are not enough workers, or none. */
export const processingDelay = defineCondition({
  name: 'processing_delay',
  about: 'integration',
  limits: { secondsMax: z.int().min(1).max(2_592_000).default(300) },
  async find(watches, { ledger, now }) {
    const byId = new Map(watches.map((watch) => [watch.id, watch]))
    const found = await ledger.findWaitingRuns()
    return found.flatMap(({ integrationId, oldestAt }) => {
      const watch = byId.get(integrationId)
      const ageMs = now.getTime() - oldestAt.getTime()
      if (!watch || ageMs <= watch.limits.secondsMax * 1_000) return []
      const sentence = `events of integration ${quoted(watch.name)} wait to be processed, the oldest for ${spokenSpan(ageMs)}`
      return [{ id: integrationId, sentence }]
    })
  },
})
