import { CONCURRENCY_DEFAULT, type DestinationConfig } from '../integrations/integrations.ts'
import type { Log } from '../platform/log.ts'
import type { MadeDelivery } from '../run/run.ts'
import { batchRuleOf } from '../send/send.ts'
import { type DestinationRule, type Releaser, startReleaser } from '../upkeep/upkeep.ts'
import type { Foundations } from './foundations.ts'

/** A destination that hangs leaves most of a worker to the others, however small the worker is. */
const SHARE_MAX = 1 / 4

/**
 * What lets deliveries go in a worker.
 *
 * @param deliveryConcurrency how many attempts the worker makes at once
 */
export function openReleaser(
  { ledger, integrations, handOver }: Foundations,
  deliveryConcurrency: number,
  log: Log,
): Releaser {
  const places = Math.min(CONCURRENCY_DEFAULT, Math.ceil(deliveryConcurrency * SHARE_MAX))
  const ruleOf = createRules(places)
  return startReleaser({
    ledger,
    ruleOf: (destinationId) => ruleOf(integrations.destination(destinationId)?.config),
    handOver: handOver.released,
    log,
  })
}

/**
 * The rule of each config. What was deleted is let go too, so that its deliveries end.
 *
 * @param places of a destination that asks for no number
 */
function createRules(places: number) {
  // Configs are immutable.
  const rules = new WeakMap<DestinationConfig, DestinationRule>()
  return (config: DestinationConfig | undefined): DestinationRule => {
    const known = config && rules.get(config)
    if (known) return known
    const { concurrencyMax, rateMax } = config ?? {}
    const batch = batchRuleOf(config)
    const rule = {
      concurrencyMax: concurrencyMax ?? places,
      rateMax: rateMax ?? null,
      exact: concurrencyMax !== undefined || rateMax !== undefined || batch !== undefined,
      ...(batch && { batch }),
    }
    if (config) rules.set(config, rule)
    return rule
  }
}

/** Brings what a run made on its way. */
export function letGo(
  made: MadeDelivery[],
  { handOver, releaser }: Pick<Foundations, 'handOver'> & { releaser: Releaser },
): void {
  const straight = made.filter(({ turn }) => turn.state === 'queued')
  if (straight.length > 0)
    handOver.deliveries(straight.map(({ id, turn }) => ({ id, priority: turn.priority })))
  for (const { turn } of made) if (turn.state === 'delayed') releaser.dueIn(turn.delayMs)
  const waiting = made.filter(({ turn }) => turn.state === 'waiting')
  releaser.runEnded(
    waiting.map(({ destinationId, turn }) => ({ destinationId, ordered: turn.orderKey !== null })),
  )
}
