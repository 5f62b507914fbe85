/**
 * The work that the clock starts: putting lost work back into the queue, making partitions ahead, forgetting
 * dedupe keys whose window is over, fetching the addresses that sources publish, looking for what there is to alert of
 * and telling it, working off replays of many.
 */
import type { Alerts } from '../alerts/alerts.ts'
import type { Ledger, Unfinished } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import { type AddressesOptions, createAddressRefresh } from './addresses.ts'
import { createReplayWork, type ReplaysOptions } from './replays.ts'

export { type DestinationRule, type Releaser, startReleaser } from './releaser.ts'

export interface UpkeepOptions extends AddressesOptions {
  ledger: Pick<Ledger, 'findUnfinished' | 'dropExpiredKeys' | 'makePartitions' | 'dropEndedReplays'> &
    ReplaysOptions['ledger']
  integrations: AddressesOptions['integrations'] & ReplaysOptions['integrations']
  /** Puts found work into the queue. @throws when the queue is away: the next sweep finds it again. */
  requeue(work: Unfinished): Promise<void>
  alerts: Pick<Alerts, 'assess' | 'sendMessages'>
  alertSeconds: number
  sweepSeconds: number
  lostSeconds: number
  /** Nobody else works on this ledger, so at the start everything unfinished is to be put back. */
  alone: boolean
}

export interface Upkeep {
  close(): Promise<void>
}

const SWEEP_LIMIT = 1_000
const KEYS_LIMIT = 5_000
/** An alert is told soon after it was found, and what could not be told soon after it is due again. */
const MESSAGES_PER_LOOK = 12
/** As long as a second's share of a replay is to last. */
const REPLAYS_EVERY_MS = 1_000
const REPLAYS_KEPT_MS = 30 * 86_400_000
const PARTITIONS_EVERY_MS = 3_600_000
const CHORE_FAILED = 'a chore failed, it is tried again'
export const PARTITION_DAYS_AHEAD = 3

/**
 * Sweeps at once and from then on by the clock, until closed. A first sweep that fails, because the queue is away,
 * is no reason not to start: acks need no queue.
 */
export async function startUpkeep(options: UpkeepOptions): Promise<Upkeep> {
  const { ledger, alerts, sweepSeconds, alone, log } = options
  const alertMs = options.alertSeconds * 1000
  const lostMs = options.lostSeconds * 1000
  const first = await sweepAll(options, {
    queuedBefore: new Date(alone ? Date.now() : Date.now() - lostMs),
    alone,
  }).catch((error) => {
    log.warn({ err: error, chore: 'sweep' }, CHORE_FAILED)
    return 0
  })
  if (first > 0) log.info({ found: first }, 'unfinished work put back into the queue')
  const closing = new AbortController()
  const chores = [
    every(sweepSeconds * 1000, 'sweep', log, async () => {
      const found = await sweepAll(options, { queuedBefore: new Date(Date.now() - lostMs), alone: false })
      if (found > 0) log.warn({ found }, 'lost work put back into the queue')
      await ledger.dropExpiredKeys(KEYS_LIMIT)
      await ledger.dropEndedReplays(new Date(Date.now() - REPLAYS_KEPT_MS))
    }),
    every(PARTITIONS_EVERY_MS, 'partitions', log, () =>
      ledger.makePartitions(new Date(), PARTITION_DAYS_AHEAD),
    ),
    every(REPLAYS_EVERY_MS, 'replays', log, createReplayWork(options, closing.signal)),
    every(alertMs, 'alerts', log, alerts.assess),
    every(alertMs / MESSAGES_PER_LOOK, 'alert messages', log, () => alerts.sendMessages(closing.signal)),
    every(sweepSeconds * 1000, 'addresses', log, createAddressRefresh(options, closing.signal)),
  ]
  return {
    async close() {
      closing.abort()
      await Promise.all(chores.map((chore) => chore.close()))
    },
  }
}

/** Sweeps page by page; what a page marks as queued, the next does not find. */
async function sweepAll(
  { ledger, requeue }: UpkeepOptions,
  how: { queuedBefore: Date; alone: boolean },
): Promise<number> {
  let total = 0
  for (;;) {
    const found = await ledger.findUnfinished({ ...how, limit: SWEEP_LIMIT })
    const count = found.runs.length + found.deliveries.length
    if (count > 0) await requeue(found)
    total += count
    if (found.runs.length < SWEEP_LIMIT && found.deliveries.length < SWEEP_LIMIT) return total
  }
}

/** A chore that is still under way when its time comes again is not started twice. */
function every(ms: number, name: string, log: Log, work: () => Promise<unknown>) {
  let running: Promise<unknown> | undefined
  const timer = setInterval(() => {
    running ??= work()
      .catch((error) => log.warn({ err: error, chore: name }, CHORE_FAILED))
      .finally(() => {
        running = undefined
      })
  }, ms)
  return {
    async close() {
      clearInterval(timer)
      await running
    },
  }
}
