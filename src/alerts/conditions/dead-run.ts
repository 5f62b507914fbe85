import { spokenCount } from '../spoken.ts'
import { defineDeaths } from './deaths.ts'

/** Events whose run died before any delivery was made. */
export const deadRun = defineDeaths({
  name: 'dead_run',
  about: 'integration',
  count: (ledger, asked, max) => ledger.countDeadRuns(asked, max),
  speak: (count, name) => `${spokenCount(count, 'event')} of integration ${name}`,
})
