import type { Destination } from '../integrations/integrations.ts'
import { healthAfter, ILL_REASONS } from './health.ts'
import type { SendOptions } from './send-options.ts'
import type { Verdict } from './verdict.ts'

/**
 * Of most attempts there is nothing to settle: nothing failed, and the circuit is closed.
 *
 * @param attempted what the circuit knows the attempt by
 */
export async function settleCircuit(
  { id: deliveryId, destinationId, probe }: { id: string; destinationId: string; probe: boolean },
  destination: Destination | undefined,
  judged: Verdict,
  { ledger, places, log }: Pick<SendOptions, 'ledger' | 'places' | 'log'>,
): Promise<void> {
  const health = healthAfter(judged)
  if (!probe && health !== 'ill') return
  const circuit = destination?.config.circuit
  const rule = circuit === undefined || circuit === false ? null : circuit
  const attempt = { destinationId, deliveryId, probe, health, illReasons: ILL_REASONS }
  const change = await ledger.settleCircuit({ ...attempt, rule, now: new Date() })
  if (change === 'opened') log.warn({ destinationId }, 'the circuit of a destination opened')
  if (change === 'closed') log.info({ destinationId }, 'the circuit of a destination closed')
  if (change || probe) places.wake(destinationId)
}
