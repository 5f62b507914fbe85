import { z } from 'zod'
import { defineCondition } from '../condition.ts'
import { quoted, spokenCount, spokenReason } from '../spoken.ts'

/** So many attempts failed one after the other, whichever deliveries they were of. Over with the first that succeeds. */
export const failingDestination = defineCondition({
  name: 'failing_destination',
  about: 'destination',
  limits: { failures: z.int().min(1).max(1_000).default(10) },
  async find(watches, { ledger }) {
    const byId = new Map(watches.map((watch) => [watch.id, watch]))
    const found = await ledger.findFailingDestinations(
      watches.map(({ id, limits }) => ({ id, length: limits.failures })),
    )
    return found.flatMap(({ id, reason }) => {
      const watch = byId.get(id)
      if (!watch) return []
      const times = spokenCount(watch.limits.failures, 'attempt')
      return [
        {
          id,
          sentence: `the last ${times} at destination ${quoted(watch.name)} failed${spokenReason(reason)}`,
        },
      ]
    })
  },
})
