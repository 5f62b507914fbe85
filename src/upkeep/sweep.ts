import type { Ledger, Unfinished } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import type { Gap, Queue } from '../queue/queue.ts'

export interface SweepOptions {
  ledger: Pick<Ledger, 'findUnfinished' | 'clock'>
  queue: Pick<Queue, 'trouble' | 'onGap'>
  /**
   * Puts found work into the queue; with `anew` also what the queue believes to have.
   *
   * @throws when the queue is away: the next sweep finds it again.
   */
  requeue(work: Unfinished, anew?: boolean): Promise<void>
  lostSeconds: number
  log: Log
}

/** Puts work back that the ledger has and the queue has not. Each gives how much it was. */
export interface Sweep {
  /** Everything unfinished, for one who is alone on a ledger. */
  everything(): Promise<number>
  /** What has lain in the queue for so long that it counts as lost. */
  lost(): Promise<number>
  close(): Promise<void>
}

const PAGE = 1_000

/** Also looks at once, and for all that waits, when the queue tells that it may have lost something. */
export function createSweep({ ledger, queue, requeue, lostSeconds, log }: SweepOptions): Sweep {
  let closed = false
  let filling: Promise<void> = Promise.resolve()
  /** Told, and not filled yet. */
  let open: Gap | undefined
  const lostBefore = (now: Date) => new Date(now.getTime() - lostSeconds * 1_000)

  /** Page by page; what a page marks as queued, the next does not find. */
  async function sweep(
    how: { queuedBefore: Date; silentBefore?: Date; alone: boolean },
    anew = false,
  ): Promise<number> {
    let total = 0
    for (;;) {
      // What is found counts as queued, and is not found again until it counts as lost.
      if (closed || queue.trouble()) return total
      const found = await ledger.findUnfinished({ ...how, limit: PAGE })
      const count = found.runs.length + found.deliveries.length
      if (count > 0) await requeue(found, anew)
      total += count
      if (found.runs.length < PAGE && found.deliveries.length < PAGE) return total
    }
  }

  /** What fails here is tried again with the next sweep: ids that are left would keep what is lost out for ever. */
  async function fillGap(): Promise<void> {
    const gap = open
    if (!gap) return
    const { why, idsMayBeLeft } = gap
    try {
      const now = await ledger.clock()
      const how = { queuedBefore: now, silentBefore: lostBefore(now), alone: false }
      const found = await sweep(how, idsMayBeLeft)
      // Another may have been told meanwhile.
      if (open === gap && !queue.trouble()) open = undefined
      if (found > 0) log.warn({ found, why }, 'work put back into the queue')
    } catch (err) {
      log.warn({ err, why }, 'work could not be put back into the queue, it is tried again')
    }
  }

  queue.onGap((gap) => {
    open = { why: gap.why, idsMayBeLeft: gap.idsMayBeLeft || open?.idsMayBeLeft === true }
    filling = filling.then(fillGap)
  })
  return {
    everything: async () => sweep({ queuedBefore: await ledger.clock(), alone: true }),
    async lost() {
      filling = filling.then(fillGap)
      await filling
      return sweep({ queuedBefore: lostBefore(await ledger.clock()), alone: false })
    },
    close() {
      closed = true
      return filling
    },
  }
}
