import type { Json } from '../../payload/exact-json.ts'
import type { Occasion } from '../imitation.ts'
import { isoWithoutZone } from '../moments.ts'

/** What makes an order of Magento a new one. */
export function newOrder({ ids, now }: Occasion): Record<string, Json> {
  const moment = isoWithoutZone(now).replace('T', ' ')
  return {
    entity_id: ids.integer('order', 7),
    increment_id: String(ids.integer('number', 9)),
    created_at: moment,
    updated_at: moment,
  }
}
