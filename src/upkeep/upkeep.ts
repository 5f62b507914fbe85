/**
 * The work that the clock starts: putting lost work back into the queue, making partitions ahead, forgetting
 * dedupe keys whose window is over, fetching the addresses that sources publish, looking for what there is to alert of
 * and telling it, working off replays of many, dropping and erasing what was kept long enough.
 */
import type { Alerts } from '../alerts/alerts.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import { within } from '../platform/time-limit.ts'
import { type AddressesOptions, createAddressRefresh } from './addresses.ts'
import { createDueErasing, createErasureWork, type ErasuresOptions } from './erasures.ts'
import { createReplayWork, type ReplaysOptions } from './replays.ts'
import { createRetention, type RetentionOptions } from './retention.ts'
import { createSweep, type SweepOptions } from './sweep.ts'

export { type DestinationRule, type Releaser, startReleaser } from './releaser.ts'
export { type StandIn, startStandIn } from './stand-in.ts'

export interface UpkeepOptions
  extends AddressesOptions,
    Pick<ErasuresOptions, 'sealer'>,
    Pick<RetentionOptions, 'retentionDays' | 'metrics'>,
    Pick<SweepOptions, 'queue' | 'requeue' | 'lostSeconds'> {
  ledger: SweepOptions['ledger'] &
    Pick<Ledger, 'dropExpiredKeys' | 'makePartitions' | 'dropEndedReplays'> &
    ReplaysOptions['ledger'] &
    ErasuresOptions['ledger'] &
    RetentionOptions['ledger']
  integrations: AddressesOptions['integrations'] &
    ReplaysOptions['integrations'] &
    ErasuresOptions['integrations']
  alerts: Pick<Alerts, 'assess' | 'sendMessages'> & ErasuresOptions['alerts']
  alertSeconds: number
  sweepSeconds: number
  /** Nobody else works on this ledger, so at the start everything unfinished is to be put back. */
  alone: boolean
  /** Forgets what of the audit log is older than it is kept. */
  forgetAudits(): Promise<void>
  /** The database was away when this process began: it looks for lost work when its time comes. */
  isAway?: boolean
  /** In an edge: looks at its own journal, and tells of it. */
  lookAtJournal?: (signal: AbortSignal) => Promise<void>
}

export interface Upkeep {
  close(): Promise<void>
}

const KEYS_LIMIT = 5_000
/** An alert is told soon after it was found, and what could not be told soon after it is due again. */
const MESSAGES_PER_LOOK = 12
/** As long as a second's share of a replay is to last. */
const REPLAYS_EVERY_MS = 1_000
const REPLAYS_KEPT_MS = 30 * 86_400_000
const PARTITIONS_EVERY_MS = 3_600_000
const AUDITS_EVERY_MS = 3_600_000
const RETENTION_EVERY_MS = 600_000
const ERASING_EVERY_MS = 60_000
const ERASURES_EVERY_MS = 1_000
const CHORE_FAILED = 'a chore failed, it is tried again'
const CLOSE_MS = 3_000
export const PARTITION_DAYS_AHEAD = 1

/**
 * Sweeps at once and from then on by the clock, until closed. A first sweep that fails, because the queue is away,
 * is no reason not to start: acks need no queue.
 */
export async function startUpkeep(options: UpkeepOptions): Promise<Upkeep> {
  const { ledger, alerts, lookAtJournal, sweepSeconds, alone, log } = options
  const alertMs = options.alertSeconds * 1000
  const sweep = createSweep(options)
  const sweeping = options.isAway ? Promise.resolve(0) : alone ? sweep.everything() : sweep.lost()
  const first = await sweeping.catch((error) => {
    log.warn({ err: error, chore: 'sweep' }, CHORE_FAILED)
    return 0
  })
  if (first > 0) log.info({ found: first }, 'unfinished work put back into the queue')
  const closing = new AbortController()
  const chores = [
    every(sweepSeconds * 1000, 'sweep', log, async () => {
      const found = await sweep.lost()
      if (found > 0) log.warn({ found }, 'lost work put back into the queue')
      await ledger.dropExpiredKeys(KEYS_LIMIT)
      await ledger.dropEndedReplays(new Date(Date.now() - REPLAYS_KEPT_MS))
    }),
    every(PARTITIONS_EVERY_MS, 'partitions', log, () =>
      ledger.makePartitions(new Date(), PARTITION_DAYS_AHEAD),
    ),
    every(AUDITS_EVERY_MS, 'audit log', log, options.forgetAudits),
    every(REPLAYS_EVERY_MS, 'replays', log, createReplayWork(options, closing.signal)),
    every(RETENTION_EVERY_MS, 'retention', log, createRetention(options, closing.signal)),
    every(ERASING_EVERY_MS, 'erasing', log, createDueErasing(options, closing.signal)),
    every(ERASURES_EVERY_MS, 'erasures', log, createErasureWork(options, closing.signal)),
    every(alertMs, 'alerts', log, alerts.assess),
    ...(lookAtJournal ? [every(alertMs, 'journal', log, () => lookAtJournal(closing.signal))] : []),
    every(alertMs / MESSAGES_PER_LOOK, 'alert messages', log, () => alerts.sendMessages(closing.signal)),
    every(sweepSeconds * 1000, 'addresses', log, createAddressRefresh(options, closing.signal)),
  ]
  return {
    async close() {
      closing.abort()
      await Promise.all([
        ...chores.map((chore) => chore.close()),
        within(CLOSE_MS, sweep.close()).catch(() => {}),
      ])
    },
  }
}

/**
 * A chore that is still under way when its time comes again is not started twice. That it fails is told once, and once
 * when it works again.
 */
function every(ms: number, name: string, log: Log, work: () => Promise<unknown>) {
  let running: Promise<unknown> | undefined
  let failures = 0
  const failed = (error: unknown) => {
    if (failures === 0) log.warn({ err: error, chore: name }, CHORE_FAILED)
    failures += 1
  }
  const succeeded = () => {
    if (failures > 0) log.info({ chore: name, failures }, 'a chore that had failed is done again')
    failures = 0
  }
  const timer = setInterval(() => {
    running ??= work()
      .then(succeeded, failed)
      .finally(() => {
        running = undefined
      })
  }, ms)
  return {
    async close() {
      clearInterval(timer)
      // A database that hangs would never let it end.
      await within(CLOSE_MS, Promise.resolve(running)).catch(() => {})
    },
  }
}
