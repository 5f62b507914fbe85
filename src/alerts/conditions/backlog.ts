import { z } from 'zod'
import { defineCondition } from '../condition.ts'
import { quoted, spokenSpan } from '../spoken.ts'

const MINUTE_MS = 60_000

/** More deliveries wait for a destination than should, and the oldest of them too long. */
export const backlog = defineCondition({
  name: 'backlog',
  about: 'destination',
  limits: {
    deliveriesMax: z.int().min(0).max(100_000).default(100),
    olderThanMinutes: z.int().min(0).max(43_200).default(15),
  },
  async find(watches, { ledger, now }) {
    const byId = new Map(watches.map((watch) => [watch.id, watch]))
    const found = await ledger.findBacklogs(
      watches.map(({ id, limits }) => ({ id, max: limits.deliveriesMax })),
    )
    return found.flatMap(({ id, oldestAt }) => {
      const watch = byId.get(id)
      const ageMs = now.getTime() - oldestAt.getTime()
      if (!watch || ageMs < watch.limits.olderThanMinutes * MINUTE_MS) return []
      const { deliveriesMax } = watch.limits
      const sentence = `more than ${deliveriesMax} deliveries wait for destination ${quoted(watch.name)}, the oldest for ${spokenSpan(ageMs)}`
      return [{ id, sentence }]
    })
  },
})
