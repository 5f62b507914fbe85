import type { Destination } from '../integrations/integrations.ts'
import type { Ledger, Original, TakenDelivery } from '../ledger/ledger.ts'

/** The bytes that a delivery sends in the place of its item; undefined for most destinations, a message where there are none. */
export async function originalOf(
  { eventId }: Pick<TakenDelivery, 'eventId'>,
  { config }: Destination,
  ledger: Pick<Ledger, 'findOriginal'>,
): Promise<Original | { message: string } | undefined> {
  if (config.kind !== 'http' || config.format !== 'original') return undefined
  const original = await ledger.findOriginal(eventId)
  if (original === 'element')
    return {
      message:
        'the destination sends original bodies, and this event is one element of a body: it has none of its own',
    }
  if (original === 'none')
    return { message: 'the destination sends original bodies, and that of this event was not kept' }
  return original
}
