import type { Destination } from '../integrations/integrations.ts'
import type { TakenDelivery } from '../ledger/ledger.ts'

/**
 * Why a delivery is not tried again although its time has come: it waited for longer than its destination lets it, which
 * was paused or away meanwhile. Undefined for one that may go, as every first attempt may.
 */
export function tooLate(
  { number, receivedAt }: Pick<TakenDelivery, 'number' | 'receivedAt'>,
  destination: Destination,
  now: Date,
): string | undefined {
  const { ageMaxMs } = destination.config.retry
  if (number === 1 || ageMaxMs === undefined || now.getTime() - receivedAt.getTime() <= ageMaxMs)
    return undefined
  return `it is not tried again: its event came more than ${ageMaxMs / 1_000} seconds ago`
}
