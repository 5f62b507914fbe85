import type { Integrations } from '../integrations/integrations.ts'
import type { Unfinished } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import { type Job, PRIORITY_DEFAULT, type Queue, QueueUnavailable } from '../queue/queue.ts'

/** The two standing lanes; a destination with a concurrency of its own has one beside them. */
export const RUNS_LANE = 'runs'
export const DELIVERIES_LANE = 'deliveries'

export function laneOf(destinationId: string, integrations: Pick<Integrations, 'destination'>): string {
  const limited = integrations.destination(destinationId)?.config.concurrencyMax !== undefined
  return limited ? `destination-${destinationId}` : DELIVERIES_LANE
}

/** Brings work that the ledger holds into the queue. What fails here is found by the sweeper. */
export interface HandOver {
  runs(runIds: string[]): void
  deliveries(deliveries: { id: string; destinationId: string; tries?: number; delayMs?: number }[]): void
  /** As the sweeper does it: waits, and fails when the queue is away. */
  unfinished(work: Unfinished): Promise<void>
  /** Waits for what is on its way. */
  close(): Promise<void>
}

/** Nobody waits for a put, and one of twenty jobs costs hardly more than one of one. */
const PUT_PAUSE_MS = 5

/** Puts of the same moment share a round trip. */
export function createHandOver(queue: Queue, integrations: Integrations, log: Log): HandOver {
  let waiting: Job[] = []
  let putting: Promise<void> | undefined
  let isAway = false

  async function putAll(): Promise<void> {
    do {
      await new Promise((resolve) => setTimeout(resolve, PUT_PAUSE_MS))
      const jobs = waiting
      waiting = []
      await queue.put(jobs).then(noticeBack, noticeAway)
    } while (waiting.length > 0)
    putting = undefined
  }

  function noticeAway(error: Error): void {
    if (!(error instanceof QueueUnavailable))
      log.error({ err: error }, 'work could not be put into the queue')
    else if (!isAway) log.warn({ err: error }, 'the queue is away: work waits in the ledger')
    isAway = true
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
    deliveries: (deliveries) => put(deliveries.map((delivery) => deliveryJob(delivery, integrations))),
    unfinished: ({ runs, deliveries }) =>
      queue.put([
        ...runs.map(({ id, takes }) => runJob(id, takes)),
        ...deliveries.map((delivery) => deliveryJob(delivery, integrations)),
      ]),
    close: async () => putting,
  }
}

function runJob(id: string, takes: number): Job {
  const job = { id: `run-${id}-${takes}`, kind: 'run', subject: id, lane: RUNS_LANE } as const
  return { ...job, priority: PRIORITY_DEFAULT, delayMs: 0 }
}

function deliveryJob(
  {
    id,
    destinationId,
    tries = 0,
    delayMs = 0,
  }: { id: string; destinationId: string; tries?: number; delayMs?: number },
  integrations: Integrations,
): Job {
  const job = { id: `delivery-${id}-${tries}`, kind: 'delivery', subject: id } as const
  return { ...job, lane: laneOf(destinationId, integrations), priority: PRIORITY_DEFAULT, delayMs }
}
