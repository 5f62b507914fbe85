import type { Integrations } from '../integrations/integrations.ts'
import type { Queue, Taker } from '../queue/queue.ts'
import { DELIVERIES_LANE, laneOf, RUNS_LANE } from './hand-over.ts'

export interface WorkerOptions {
  queue: Queue
  integrations: Integrations
  runConcurrency: number
  deliveryConcurrency: number
  execute(runId: string): Promise<void>
  attempt(deliveryId: string, signal: AbortSignal): Promise<void>
}

export interface Worker {
  /** Waits for what is under way, at most so long. */
  close(deadlineMs: number): Promise<void>
}

/** Takes runs and deliveries, and the lanes of destinations that have their own, as those come and go. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { queue, integrations, runConcurrency, deliveryConcurrency, execute, attempt } = options
  const own = new Map<string, Taker>()
  let changing = Promise.resolve()

  async function followDestinations(): Promise<void> {
    for (const { id, config } of integrations.destinations()) {
      if (config.concurrencyMax === undefined) continue
      const lane = laneOf(id, integrations)
      const concurrency = { concurrency: config.concurrencyMax, laneLimit: config.concurrencyMax }
      const taker = own.get(lane)
      if (taker) await taker.setConcurrency(concurrency)
      else own.set(lane, await queue.take(lane, concurrency, (job, signal) => attempt(job.subject, signal)))
    }
  }

  const standing = await Promise.all([
    queue.take(RUNS_LANE, { concurrency: runConcurrency }, (job) => execute(job.subject)),
    queue.take(DELIVERIES_LANE, { concurrency: deliveryConcurrency }, (job, signal) =>
      attempt(job.subject, signal),
    ),
  ])
  await followDestinations()
  integrations.onReload(() => {
    changing = changing.then(followDestinations).catch(() => {})
  })
  return {
    async close(deadlineMs) {
      await changing
      await Promise.all([...standing, ...own.values()].map((taker) => taker.close(deadlineMs)))
    },
  }
}
