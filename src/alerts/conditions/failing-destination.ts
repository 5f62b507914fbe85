import { spokenLast } from '../spoken.ts'
import { defineStreak } from './streak.ts'

/** So many attempts failed one after the other, whichever deliveries they were of. */
export const failingDestination = defineStreak({
  name: 'failing_destination',
  about: 'destination',
  failures: 10,
  find: (ledger, asked) => ledger.findFailingDestinations(asked),
  speak: (failures, name) => `${spokenLast(failures, 'attempt')} at destination ${name} failed`,
})
