import { writeFile } from 'node:fs/promises'
import type { Gateway } from '../world/gateway.ts'
import type { SeveralFault } from './fault.ts'
import { anyOf } from './fault.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Days that nothing was prepared for are among them. */
const JUMPS_MS = [-2 * DAY_MS, -HOUR_MS, -5_000, 5_000, HOUR_MS, 40 * DAY_MS]

export const CLOCK_FAULTS: readonly SeveralFault[] = [
  {
    name: 'clock-jump',
    does: 'the clock of one gateway jumps by seconds, an hour or days, ahead or back, and then to the right time',
    on: 'several',
    to: 'clock',
    lastsMs: [1_500, 3_000],
    async begin({ edges, workers }, chance) {
      const gateway = anyOf([...edges, ...workers], chance)
      await turn(gateway, anyOf(JUMPS_MS, chance))
      return () => turn(gateway, 0)
    },
  },
]

function turn(gateway: Gateway, byMs: number): Promise<void> {
  return writeFile(gateway.clockFile, String(byMs))
}
