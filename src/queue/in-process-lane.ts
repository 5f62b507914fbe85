import type { Log } from '../platform/log.ts'
import {
  CLOSE_DEADLINE_MS,
  type Counts,
  checkConcurrency,
  type Handler,
  type Job,
  type TakeOptions,
  type Taker,
} from './contract.ts'
import { Heap } from './heap.ts'
import { Running } from './running.ts'

interface Waiting {
  job: Job
  sequence: number
}

interface Delayed {
  job: Job
  sequence: number
  dueMs: number
}

interface Seat {
  concurrency: number
  handler: Handler
  running: Running
}

/** Node keeps a timer's delay in 32 bits and fires a longer one at once: longer delays are waited for in pieces. */
const TIMER_MS_MAX = 2 ** 31 - 1

export class InProcessLane {
  readonly #log: Log
  readonly #ids = new Set<string>()
  readonly #waiting = new Heap<Waiting>(goesFirst)
  readonly #delayed = new Heap<Delayed>(
    (a, b) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence),
  )
  readonly #seats: Seat[] = []
  #sequence = 0
  #active = 0
  #timer: NodeJS.Timeout | undefined
  #pumpAsked = false
  #stopped = false

  constructor(log: Log) {
    this.#log = log
  }

  /** Jobs held, those being handled included. */
  get size(): number {
    return this.#ids.size
  }

  put(jobs: readonly Job[]): void {
    if (this.#stopped) return
    for (const job of jobs) {
      if (this.#ids.has(job.id)) continue
      this.#ids.add(job.id)
      if (job.delayMs > 0)
        this.#delayed.add({ job, sequence: this.#sequence++, dueMs: nowMs() + job.delayMs })
      else this.#waiting.add({ job, sequence: this.#sequence++ })
    }
    this.#setTimer()
    this.#askPump()
  }

  take(options: TakeOptions, handler: Handler): Taker {
    checkConcurrency(options)
    const seat: Seat = { concurrency: options.concurrency, handler, running: new Running(this.#log) }
    const set = (next: TakeOptions) => {
      checkConcurrency(next)
      seat.concurrency = next.concurrency
      this.#askPump()
    }
    this.#seats.push(seat)
    set(options)
    let closing: Promise<void> | undefined
    return {
      setConcurrency: async (next) => set(next),
      close: (deadlineMs = CLOSE_DEADLINE_MS) => (closing ??= this.#leave(seat, deadlineMs)),
    }
  }

  counts(): Counts {
    return { waiting: this.#waiting.size, delayed: this.#delayed.size, active: this.#active }
  }

  /** Closes every taker and forgets what waits: the ledger's sweeper puts it again. */
  async close(deadlineMs = CLOSE_DEADLINE_MS): Promise<void> {
    await Promise.all([...this.#seats].map((seat) => this.#leave(seat, deadlineMs)))
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  /** One pump a turn of the event loop, so that a lane full of quick jobs leaves room for input and output. */
  #askPump(): void {
    if (this.#pumpAsked || this.#seats.length === 0) return
    this.#pumpAsked = true
    setImmediate(() => {
      this.#pumpAsked = false
      this.#pump()
    })
  }

  #pump(): void {
    for (;;) {
      const seat = this.#seats.find(({ concurrency, running }) => running.count < concurrency)
      const next = seat && this.#waiting.take()
      if (!next) return
      void this.#handle(seat, next.job)
    }
  }

  async #handle(seat: Seat, job: Job): Promise<void> {
    this.#active++
    const outcome = await seat.running.handle(job, seat.handler)
    this.#active--
    this.#ids.delete(job.id)
    if (outcome === 'interrupted') this.put([{ ...job, delayMs: 0, begun: (job.begun ?? 0) + 1 }])
    this.#askPump()
  }

  #setTimer(): void {
    clearTimeout(this.#timer)
    const first = this.#delayed.first
    if (!first) return
    const waitMs = Math.min(Math.max(Math.ceil(first.dueMs - nowMs()), 0), TIMER_MS_MAX)
    this.#timer = setTimeout(() => this.#releaseDue(), waitMs)
  }

  #releaseDue(): void {
    const now = nowMs()
    for (let first = this.#delayed.first; first && first.dueMs <= now; first = this.#delayed.first) {
      this.#delayed.take()
      this.#waiting.add({ job: first.job, sequence: this.#sequence++ })
    }
    this.#setTimer()
    this.#askPump()
  }

  async #leave(seat: Seat, deadlineMs: number): Promise<void> {
    const index = this.#seats.indexOf(seat)
    if (index !== -1) this.#seats.splice(index, 1)
    await seat.running.drain(deadlineMs)
  }
}

/** Delays are spans, which a wall clock that is set must not stretch. */
function nowMs(): number {
  return performance.now()
}

function goesFirst(a: Waiting, b: Waiting): boolean {
  return a.job.priority < b.job.priority || (a.job.priority === b.job.priority && a.sequence < b.sequence)
}
