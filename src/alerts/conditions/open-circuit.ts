import { z } from 'zod'
import { defineCondition } from '../condition.ts'
import { quoted, spokenReason } from '../spoken.ts'

const MINUTE_MS = 60_000

/** A destination gets nothing but probes, and its deliveries wait. Over when its circuit closes. */
export const openCircuit = defineCondition({
  name: 'open_circuit',
  about: 'destination',
  limits: { openMinutes: z.int().min(0).max(43_200).default(0) },
  async find(watches, { ledger, now }) {
    const states = new Map(
      (await ledger.findDestinationStates()).map((state) => [state.destinationId, state]),
    )
    return watches.flatMap(({ id, name, limits }) => {
      const { openedAt, openReason } = states.get(id) ?? { openedAt: null, openReason: null }
      if (openedAt === null) return []
      const openMs = Math.max(0, now.getTime() - openedAt.getTime())
      if (openMs < limits.openMinutes * MINUTE_MS) return []
      const sentence = `the circuit of destination ${quoted(name)} is open${spokenReason(openReason)}`
      return [{ id, sentence }]
    })
  },
})
