/**
 * The work that the clock starts: putting lost work back into the queue, making partitions ahead, forgetting
 * dedupe keys whose window is over.
 */
import type { Ledger, Unfinished } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'

export interface UpkeepOptions {
  ledger: Pick<Ledger, 'findUnfinished' | 'dropExpiredKeys' | 'makePartitions'>
  /** Puts found work into the queue. @throws when the queue is away: the next sweep finds it again. */
  requeue(work: Unfinished): Promise<void>
  sweepSeconds: number
  lostSeconds: number
  /** Nobody else works on this ledger, so at the start everything unfinished is to be put back. */
  alone: boolean
  log: Log
}

export interface Upkeep {
  close(): Promise<void>
}

const SWEEP_LIMIT = 1_000
const KEYS_LIMIT = 5_000
const PARTITIONS_EVERY_MS = 3_600_000
const CHORE_FAILED = 'a chore failed, it is tried again'
export const PARTITION_DAYS_AHEAD = 3

/**
 * Sweeps at once and from then on by the clock, until closed. A first sweep that fails, because the queue is away,
 * is no reason not to start: acks need no queue.
 */
export async function startUpkeep(options: UpkeepOptions): Promise<Upkeep> {
  const { ledger, sweepSeconds, alone, log } = options
  const lostMs = options.lostSeconds * 1000
  const first = await sweepAll(options, {
    queuedBefore: new Date(alone ? Date.now() : Date.now() - lostMs),
    alone,
  }).catch((error) => {
    log.warn({ err: error, chore: 'sweep' }, CHORE_FAILED)
    return 0
  })
  if (first > 0) log.info({ found: first }, 'unfinished work put back into the queue')
  const chores = [
    every(sweepSeconds * 1000, 'sweep', log, async () => {
      const found = await sweepAll(options, { queuedBefore: new Date(Date.now() - lostMs), alone: false })
      if (found > 0) log.warn({ found }, 'lost work put back into the queue')
      await ledger.dropExpiredKeys(KEYS_LIMIT)
    }),
    every(PARTITIONS_EVERY_MS, 'partitions', log, () =>
      ledger.makePartitions(new Date(), PARTITION_DAYS_AHEAD),
    ),
  ]
  return {
    async close() {
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
