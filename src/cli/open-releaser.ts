import { CONCURRENCY_DEFAULT } from '../integrations/integrations.ts'
import type { Log } from '../platform/log.ts'
import type { MadeDelivery } from '../run/run.ts'
import { type DestinationRule, type Releaser, startReleaser } from '../upkeep/upkeep.ts'
import type { Closers } from './closers.ts'
import type { Foundations } from './foundations.ts'

/** What lets deliveries go in a worker. */
export function openReleaser(
  { ledger, integrations, handOver }: Foundations,
  log: Log,
  closers: Closers,
): Releaser {
  return closers.add(
    startReleaser({
      ledger,
      ruleOf: (destinationId) => ruleOf(integrations.destination(destinationId)?.config),
      handOver: handOver.released,
      log,
    }),
    (opened) => opened.close(),
  )
}

/** What was deleted is let go too, so that its deliveries end. */
function ruleOf(
  config: { concurrencyMax?: number | undefined; rateMax?: DestinationRule['rateMax'] | undefined } = {},
): DestinationRule {
  const { concurrencyMax, rateMax } = config
  return {
    concurrencyMax: concurrencyMax ?? CONCURRENCY_DEFAULT,
    rateMax: rateMax ?? null,
    exact: concurrencyMax !== undefined || rateMax !== undefined,
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
