import type { Log } from '../platform/log.ts'
import type { Handler, Job } from './contract.ts'

const AFTER_ABORT_MS = 1_000

/** The handlers a taker has under way. */
export class Running {
  readonly #log: Log
  readonly #under = new Set<AbortController>()
  #whenIdle: (() => void) | undefined

  constructor(log: Log) {
    this.#log = log
  }

  get count(): number {
    return this.#under.size
  }

  /** Never rejects: `interrupted` when the handler threw because its signal was aborted, `ended` otherwise. */
  async handle(job: Job, handler: Handler): Promise<'ended' | 'interrupted'> {
    const controller = new AbortController()
    this.#under.add(controller)
    try {
      await handler(job, controller.signal)
      return 'ended'
    } catch (err) {
      if (controller.signal.aborted) return 'interrupted'
      this.#log.error({ err, job: job.id, lane: job.lane }, 'a job failed')
      return 'ended'
    } finally {
      this.#under.delete(controller)
      if (this.#under.size === 0) this.#whenIdle?.()
    }
  }

  /** Waits for what is under way, aborts it after the deadline, and says whether all of it ended. */
  async drain(deadlineMs: number): Promise<boolean> {
    if (await this.#idleWithin(deadlineMs)) return true
    for (const controller of this.#under) controller.abort(new Error('the worker is stopping'))
    return this.#idleWithin(AFTER_ABORT_MS)
  }

  #idleWithin(waitMs: number): Promise<boolean> {
    if (this.#under.size === 0) return Promise.resolve(true)
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs, false)
      this.#whenIdle = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
  }
}
