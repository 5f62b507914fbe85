import type { Queue } from '../queue/queue.ts'
import { DELIVERIES_LANE, RUNS_LANE } from './hand-over.ts'

export interface WorkerOptions {
  queue: Queue
  runConcurrency: number
  deliveryConcurrency: number
  execute(runId: string, signal: AbortSignal): Promise<void>
  attempt(deliveryId: string, signal: AbortSignal): Promise<void>
}

export interface Worker {
  /** Waits for what is under way, at most so long. */
  close(deadlineMs: number): Promise<void>
}

/** Takes runs and deliveries. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { queue, runConcurrency, deliveryConcurrency, execute, attempt } = options
  const takers = await Promise.all([
    queue.take(RUNS_LANE, { concurrency: runConcurrency }, (job, signal) => execute(job.subject, signal)),
    queue.take(DELIVERIES_LANE, { concurrency: deliveryConcurrency }, (job, signal) =>
      attempt(job.subject, signal),
    ),
  ])
  return {
    async close(deadlineMs) {
      await Promise.all(takers.map((taker) => taker.close(deadlineMs)))
    },
  }
}
