import type { Log } from '../platform/log.ts'
import type { Settings } from '../platform/settings.ts'
import type { Queue } from '../queue/queue.ts'
import { startStandIn } from '../upkeep/upkeep.ts'
import type { Closers } from './closers.ts'
import type { Foundations } from './foundations.ts'

/** What lets a worker go on without the queue. */
export function openStandIn(
  settings: Settings,
  { ledger, queue, handOver }: Foundations,
  ownLanes: Queue,
  log: Log,
  closers: Closers,
): void {
  const standIn = startStandIn({
    ledger,
    queue,
    waiting: async () => (await ownLanes.counts()).waiting,
    put: handOver.own,
    standInSeconds: settings.STAND_IN_SECONDS,
    lostSeconds: settings.LOST_SECONDS,
    log,
  })
  closers.add(standIn, (opened) => opened.close())
}
