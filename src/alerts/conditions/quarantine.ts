import { z } from 'zod'
import { defineCondition } from '../condition.ts'
import { quoted, spokenCount } from '../spoken.ts'

/** Events that were not proven wait for an operator to release or discard them. */
export const quarantine = defineCondition({
  name: 'quarantine',
  about: 'integration',
  limits: { eventsMin: z.int().min(1).max(1_000_000).default(1) },
  async find(watches, { ledger }) {
    const held = await ledger.countAllQuarantined()
    return watches.flatMap(({ id, name, limits }) => {
      const count = held.get(id) ?? 0
      if (count < limits.eventsMin) return []
      return [
        { id, sentence: `integration ${quoted(name)} holds ${spokenCount(count, 'event')} in quarantine` },
      ]
    })
  },
})
