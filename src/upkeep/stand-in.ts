import type { Ledger, Unfinished } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import type { Queue } from '../queue/queue.ts'

export interface StandInOptions {
  ledger: Pick<Ledger, 'findUnfinished' | 'clock'>
  queue: Pick<Queue, 'trouble'>
  /** How much waits in the lanes of this worker's own. */
  waiting(): Promise<number>
  /** Puts work into them. */
  put(work: Unfinished): Promise<void>
  /** How long the queue has to be away, and how long work has to lie unfinished meanwhile. */
  standInSeconds: number
  lostSeconds: number
  log: Log
}

export interface StandIn {
  close(): Promise<void>
}

const LOOK_MS = 1_000
/** Where there was more than could be taken. */
const AGAIN_MS = 100
/** What a worker takes for itself at most: the rest is for others. */
const OWN_MAX = 500

/**
 * While the queue is away, the worker goes on from the ledger: it takes what is due from there, and handles it in lanes
 * of its own. What several workers, or the queue when it is back, take of the same is fenced off by the states of the
 * ledger: one of them finds it there, the others do not.
 */
export function startStandIn(options: StandInOptions): StandIn {
  const { ledger, queue, waiting, put, log } = options
  const standInMs = options.standInSeconds * 1_000
  let isStandingIn = false
  let isFailing = false
  let looking: Promise<void> | undefined
  let timer: NodeJS.Timeout
  let isClosed = false

  /** Gives whether there is more than was taken. */
  async function look(): Promise<boolean> {
    const trouble = queue.trouble()
    const isAway = trouble !== undefined && trouble.sinceMs >= standInMs
    tell(isAway)
    if (!isAway) return false
    const limit = OWN_MAX - (await waiting())
    if (limit <= 0) return true
    const now = (await ledger.clock()).getTime()
    const found = await ledger.findUnfinished({
      queuedBefore: new Date(now - standInMs),
      silentBefore: new Date(now - options.lostSeconds * 1_000),
      limit,
      alone: false,
    })
    await put(found)
    return found.runs.length === limit || found.deliveries.length === limit
  }

  function tell(isAway: boolean): void {
    if (isAway && !isStandingIn) log.warn('the queue is away: this worker takes its work from the ledger')
    if (!isAway && isStandingIn) log.info('this worker takes its work from the queue again')
    isStandingIn = isAway
  }

  function next(delayMs: number): void {
    if (isClosed) return
    timer = setTimeout(() => {
      looking = look()
        .then(
          (hasMore) => {
            isFailing = false
            return hasMore ? AGAIN_MS : LOOK_MS
          },
          (err) => {
            if (!isFailing) log.warn({ err }, 'work could not be taken from the ledger, it is tried again')
            isFailing = true
            return LOOK_MS
          },
        )
        .then(next)
    }, delayMs)
  }

  next(LOOK_MS)
  return {
    async close() {
      isClosed = true
      clearTimeout(timer)
      await looking
    },
  }
}
