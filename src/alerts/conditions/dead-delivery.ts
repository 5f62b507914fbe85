import { spokenCount } from '../spoken.ts'
import { defineDeaths } from './deaths.ts'

/** Deliveries that will not be tried again by themselves. */
export const deadDelivery = defineDeaths({
  name: 'dead_delivery',
  about: 'destination',
  count: (ledger, asked, max) => ledger.countDeadDeliveries(asked, max),
  speak: (count, name) => `${spokenCount(count, 'delivery', 'deliveries')} to destination ${name}`,
})
