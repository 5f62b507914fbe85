import { ILLNESSES } from '../receiver-condition.ts'
import type { SeveralFault } from './fault.ts'
import { SHORT } from './fault.ts'

export const DESTINATION_FAULTS: readonly SeveralFault[] = [
  {
    name: 'destination-outage',
    does: 'the destination answers 503, or not at all, or cuts each connection',
    on: 'several',
    to: 'destination',
    lastsMs: SHORT,
    async begin(site, chance) {
      await site.beReceiver(chance.one(ILLNESSES))
      return () => site.beReceiver('well')
    },
  },
]
