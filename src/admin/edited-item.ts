import type { Ledger } from '../ledger/ledger.ts'
import { type Json, parseExact, stringifyExact } from '../payload/exact-json.ts'
import { restoreMasked } from '../payload/redact-fields.ts'
import { redactionOf } from '../payload/redaction.ts'
import { Problem } from './problem.ts'

/**
 * What somebody gave to be sent in place of an item. They were shown it with redacted fields masked: where it still
 * stands so, the value itself is sent.
 *
 * @param shownItem exact JSON text of the item, as it is shown
 * @throws Problem when something masked stands where there is nothing to put back
 */
export async function editedItem(
  given: Json,
  shownItem: string,
  deliveryId: string,
  ledger: Pick<Ledger, 'findDelivery'>,
): Promise<{ item: string; shown: string | null }> {
  const delivery = await ledger.findDelivery(deliveryId)
  if (!delivery || delivery.item === shownItem) return { item: stringifyExact(given), shown: null }
  const restored = restoreMasked(given, parseExact(shownItem), parseExact(delivery.item))
  if (restored === undefined)
    throw new Problem(400, 'some fields are wrong', [
      { path: 'item', message: '*** stands where nothing was shown as ***: give the value' },
    ])
  const { hidden } = delivery
  const shown = hidden === null ? null : stringifyExact(redactionOf(JSON.parse(hidden)).json(restored))
  return { item: stringifyExact(restored), shown }
}
