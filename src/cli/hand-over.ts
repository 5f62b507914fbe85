import type { Released, TakesBefore, Unfinished } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import { type Job, PRIORITY_HIGHEST, type Queue, QueueUnavailable } from '../queue/queue.ts'

/** A lane is a stream of work with its own concurrency. */
export const RUNS_LANE = 'runs'
export const DELIVERIES_LANE = 'deliveries'

/** Brings work that the ledger holds into the queue. What fails here is found by the sweeper. */
export interface HandOver {
  runs(runIds: string[]): void
  /** A run that is to be made again later. */
  runAgain(run: { id: string; takes: number; delayMs: number }): void
  /** Deliveries that go straight. */
  deliveries(deliveries: { id: string; priority: number }[]): void
  /** Deliveries whose turn has come. */
  released(released: Released[]): void
  /** As the sweeper does it: waits, and fails when the queue is away. With `anew` each job has an id of its own. */
  unfinished(work: Unfinished, anew?: boolean): Promise<void>
  /** Into the lanes of this process's own. */
  own(work: Unfinished): Promise<void>
  /** Waits for what is on its way. */
  close(): Promise<void>
}

/** Priorities of deliveries are 0 to 9, those of jobs 0 to 100; both have 5 or 50 in the middle. */
const PRIORITY_STEP = 10
/** Nobody waits for a put, and one of twenty jobs costs hardly more than one of one. */
const PUT_PAUSE_MS = 5

/**
 * Puts of the same moment share a round trip.
 *
 * @param ownLanes of a worker: take what the queue refuses, so that it goes on without it
 */
export function createHandOver(queue: Queue, log: Log, ownLanes?: Queue): HandOver {
  let waiting: Job[] = []
  let putting: Promise<void> | undefined
  let isAway = false

  async function putAll(): Promise<void> {
    do {
      await new Promise((resolve) => setTimeout(resolve, PUT_PAUSE_MS))
      const jobs = waiting
      waiting = []
      await queue.put(jobs).then(noticeBack, (error) => putAway(jobs, error))
    } while (waiting.length > 0)
    putting = undefined
  }

  async function putAway(jobs: Job[], error: Error): Promise<void> {
    if (!(error instanceof QueueUnavailable))
      log.error({ err: error }, 'work could not be put into the queue')
    else if (!isAway) log.warn({ reason: error.message }, 'the queue is away: work waits in the ledger')
    isAway = true
    // What has no room there either waits in the ledger.
    await ownLanes?.put(jobs).catch(() => undefined)
  }

  function noticeBack(): void {
    if (isAway) log.info('the queue takes work again')
    isAway = false
  }

  function put(jobs: Job[]): void {
    waiting.push(...jobs)
    putting ??= putAll()
  }

  return {
    runs: (runIds) => put(runIds.map((id) => runJob(id, 0))),
    runAgain: ({ id, takes, delayMs }) => put([{ ...runJob(id, takes), delayMs }]),
    deliveries: (deliveries) => put(deliveries.map((delivery) => deliveryJob({ ...delivery, tries: 0 }))),
    released: (released) => put(released.map((delivery) => deliveryJob(delivery, atThisMoment()))),
    unfinished: (work, anew) => queue.put(jobsOf(work, anew ? atThisMoment() : '')),
    own: async (work) => ownLanes?.put(jobsOf(work)),
    close: async () => putting,
  }
}

function jobsOf({ runs, deliveries }: Unfinished, moment = ''): Job[] {
  return [
    ...runs.map(({ id, takes }) => runJob(id, takes, moment)),
    ...deliveries.map((delivery) => deliveryJob(delivery, moment)),
  ]
}

/**
 * How often the run had been taken when its job was put, and with the takes of those workers that had begun with that
 * very job: these are to be taken over.
 */
export function takesBefore({ id, subject, begun = 0 }: Job): TakesBefore {
  const least = Number.parseInt(id.slice(`run-${subject}-`.length), 10)
  return { least, most: least + begun }
}

function runJob(id: string, takes: number, moment = ''): Job {
  const job = { id: `run-${id}-${takes}${moment}`, kind: 'run', subject: id, lane: RUNS_LANE } as const
  // All alike, and a queue does best where nothing is to be sorted.
  return { ...job, priority: PRIORITY_HIGHEST, delayMs: 0 }
}

/** A delivery can be released, wait again and be released again before it is tried. */
function deliveryJob(
  { id, tries, priority }: { id: string; tries: number; priority: number },
  moment = '',
): Job {
  const job = { id: `delivery-${id}-${tries}${moment}`, kind: 'delivery', subject: id } as const
  return { ...job, lane: DELIVERIES_LANE, priority: priority * PRIORITY_STEP, delayMs: 0 }
}

function atThisMoment(): string {
  return `-${Date.now().toString(36)}`
}
