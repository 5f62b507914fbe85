import { spokenLast } from '../spoken.ts'
import { defineStreak } from './streak.ts'

/** So many runs died at a rewrite function one after the other. Over with the first event that gets further. */
export const failingFunction = defineStreak({
  name: 'failing_function',
  about: 'integration',
  failures: 5,
  find: (ledger, asked) => ledger.findFailingFunctions(asked),
  speak: (failures, name) =>
    `${spokenLast(failures, 'run')} of integration ${name} died at a rewrite function`,
})
