import type { TakesBefore } from '../ledger/ledger.ts'
import { createTurnstile } from '../platform/turnstile.ts'
import type { Handler, Queue } from '../queue/queue.ts'
import { DELIVERIES_LANE, RUNS_LANE, takesBefore } from './hand-over.ts'

export interface WorkerOptions {
  /** The queue, and lanes of the worker's own for when it is away. */
  queues: readonly Queue[]
  runConcurrency: number
  deliveryConcurrency: number
  execute(runId: string, takesBefore: TakesBefore, signal: AbortSignal): Promise<void>
  attempt(deliveryId: string, signal: AbortSignal): Promise<void>
}

export interface Worker {
  /** Begins nothing more, and waits for what is under way, at most so long from the first call on. */
  close(deadlineMs: number): Promise<void>
}

/** Takes runs and deliveries. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { queues, runConcurrency, deliveryConcurrency } = options
  // What one queue has begun counts when the other goes on.
  const runs = createTurnstile(runConcurrency)
  const deliveries = createTurnstile(deliveryConcurrency)
  const run: Handler = (job, signal) =>
    runs.pass(() => options.execute(job.subject, takesBefore(job), stillWanted(signal)))
  const deliver: Handler = (job, signal) =>
    deliveries.pass(() => options.attempt(job.subject, stillWanted(signal)))
  const takers = await Promise.all(
    queues.flatMap((queue) => [
      queue.take(RUNS_LANE, { concurrency: runConcurrency }, run),
      queue.take(DELIVERIES_LANE, { concurrency: deliveryConcurrency }, deliver),
    ]),
  )
  async function close(deadlineMs: number): Promise<void> {
    await Promise.all(takers.map((taker) => taker.close(deadlineMs)))
  }
  let closing: Promise<void> | undefined
  return { close: (deadlineMs) => (closing ??= close(deadlineMs)) }
}

/** What waited for a place until the worker had to stop is not begun: it goes back into its lane. */
function stillWanted(signal: AbortSignal): AbortSignal {
  signal.throwIfAborted()
  return signal
}
