import { z } from 'zod'
import { defineCondition } from '../condition.ts'
import { quoted, spokenCount, spokenReason } from '../spoken.ts'

/** So many runs died at a rewrite function one after the other. Over with the first event that gets further. */
export const failingFunction = defineCondition({
  name: 'failing_function',
  about: 'integration',
  limits: { failures: z.int().min(1).max(1_000).default(5) },
  async find(watches, { ledger }) {
    const byId = new Map(watches.map((watch) => [watch.id, watch]))
    const found = await ledger.findFailingFunctions(
      watches.map(({ id, limits }) => ({ id, length: limits.failures })),
    )
    return found.flatMap(({ id, reason }) => {
      const watch = byId.get(id)
      if (!watch) return []
      const runs = spokenCount(watch.limits.failures, 'run')
      const sentence = `the last ${runs} of integration ${quoted(watch.name)} died at a rewrite function${spokenReason(reason)}`
      return [{ id, sentence }]
    })
  },
})
