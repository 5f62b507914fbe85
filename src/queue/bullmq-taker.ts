import { type Job as BullJob, type ConnectionOptions, WaitingError, Worker } from 'bullmq'
import { ReplyError } from 'ioredis'
import type { Log } from '../platform/log.ts'
import { type RedisConnection, redisProblem } from '../platform/redis.ts'
import {
  CLOSE_DEADLINE_MS,
  checkConcurrency,
  type Handler,
  type Job,
  type JobKind,
  type TakeOptions,
  type Taker,
} from './contract.ts'
import { Running } from './running.ts'

export interface LaneSettings {
  redis: RedisConnection
  /** The queue has told already that something is wrong. */
  isTold(): boolean
  log: Log
  prefix: string
  lane: string
  lockMs: number
  stalledCheckMs: number
}

/** How long closing waits for Redis once no handler is under way. */
const FAREWELL_MS = 2_000
const COMPLAINT_MS = 10_000
/** How long a Redis that refuses (a replica, or one that waits for replicas) is left alone before it is asked for work again. */
const REFUSED_MS = 1_000
/** Nobody reads BullMQ's event streams; the default keeps 10,000 entries for each lane. */
const EVENTS_KEPT = 100

export class BullmqTaker implements Taker {
  /** Settles when `close` is through. */
  readonly closed: Promise<void>
  readonly #settings: LaneSettings
  readonly #handler: Handler
  readonly #running: Running
  readonly #worker: Worker<string, void, JobKind>
  readonly #complain: (error: Error) => void
  #connected = false
  #closing: Promise<void> | undefined
  #tellClosed: () => void = () => {}

  constructor(settings: LaneSettings, options: TakeOptions, handler: Handler) {
    checkConcurrency(options)
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve
    })
    this.#settings = settings
    this.#handler = handler
    this.#running = new Running(settings.log)
    this.#complain = complainSparingly(settings)
    this.#worker = this.#createWorker(options.concurrency)
    void this.#start()
  }

  async setConcurrency(options: TakeOptions): Promise<void> {
    checkConcurrency(options)
    if (this.#closing) return
    const more = options.concurrency > this.#worker.concurrency
    this.#worker.concurrency = options.concurrency
    if (!more || !this.#worker.isRunning()) return
    // The worker looks at its concurrency when a job ends; pausing and resuming makes it look now.
    await this.#worker.pause(true)
    await this.#worker.resume()
  }

  close(deadlineMs = CLOSE_DEADLINE_MS): Promise<void> {
    this.#closing ??= this.#close(deadlineMs).finally(this.#tellClosed)
    return this.#closing
  }

  #createWorker(concurrency: number): Worker<string, void, JobKind> {
    const { redis, lane, prefix, lockMs, stalledCheckMs, log } = this.#settings
    const worker = new UnhurriedWorker(lane, (job, token) => this.#handle(job, token), {
      connection: redis.patient() as ConnectionOptions,
      prefix,
      concurrency,
      autorun: false,
      lockDuration: lockMs,
      stalledInterval: stalledCheckMs,
      // How often work may be tried is counted in the ledger; giving up here would only lose it until the next sweep.
      maxStalledCount: 1_000_000,
      // A job that stays behind would swallow the next one with its id.
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      // After a lost connection BullMQ would pause for 15 s.
      runRetryDelay: 1_000,
    })
    worker.on('error', this.#complain)
    worker.on('stalled', (job) => log.warn({ job }, 'a job of a worker that fell silent is handled again'))
    worker.on('ready', () => {
      this.#connected = true
    })
    return worker
  }

  async #start(): Promise<void> {
    try {
      await this.#worker.getBackend().setQueueMeta({ 'opts.maxLenEvents': EVENTS_KEPT })
      if (!this.#closing) await this.#worker.run()
    } catch (error) {
      this.#complain(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async #handle(bullJob: BullJob<string, void, JobKind>, token: string | undefined): Promise<void> {
    const job = toJob(bullJob, this.#settings.lane)
    // Redis has evicted what the job was, and kept that there was one: the ledger knows more.
    if (typeof job.subject !== 'string') return
    if (!this.#closing) {
      if ((await this.#running.handle(job, this.#handler)) === 'ended') return
    }
    await bullJob.moveToWait(token)
    // Tells BullMQ that the job is neither completed nor failed.
    throw new WaitingError()
  }

  async #close(deadlineMs: number): Promise<void> {
    await this.#worker.pause(true)
    const ended = await this.#running.drain(deadlineMs)
    const redisIsHere = this.#connected && this.#settings.redis.patient().status === 'ready'
    // Without force BullMQ waits for handlers and for Redis, and for neither it knows an end.
    const closing = this.#worker.close(!ended || !redisIsHere)
    const timer = setTimeout(() => void this.#cutBlockingConnection(), FAREWELL_MS)
    let giveUp: NodeJS.Timeout | undefined
    const gaveUp = new Promise<void>((resolve) => {
      giveUp = setTimeout(resolve, FAREWELL_MS + 500)
    })
    await Promise.race([closing, gaveUp])
    clearTimeout(timer)
    clearTimeout(giveUp)
  }

  async #cutBlockingConnection(): Promise<void> {
    const client = await this.#worker.getBackend().blockingClient
    client?.disconnect?.()
  }
}

/** BullMQ waits before it asks again when the connection was lost, and asks at once, without end, when Redis refused. */
class UnhurriedWorker extends Worker<string, void, JobKind> {
  protected override async moveToActive(token: string, name?: string) {
    try {
      return await super.moveToActive(token, name)
    } catch (error) {
      if (error instanceof ReplyError && !this.closing) await this.delay(REFUSED_MS)
      throw error
    }
  }
}

function toJob(bullJob: BullJob<string, void, JobKind>, lane: string): Job {
  const { id = '', name, data, opts, attemptsStarted } = bullJob
  const job = { id, kind: name, subject: data, lane, priority: opts.priority ?? 0, delayMs: opts.delay ?? 0 }
  return attemptsStarted > 1 ? { ...job, begun: attemptsStarted - 1 } : job
}

/**
 * One line in ten seconds at the most. A lost connection is none: the connection itself has told it, and the worker
 * goes on by itself.
 */
function complainSparingly({ redis, isTold, log }: LaneSettings): (error: Error) => void {
  let lastMs = Number.NEGATIVE_INFINITY
  let unsaid = 0
  return (error) => {
    const reason = redisProblem(error)
    const lost = /ECONN|ETIMEDOUT|EPIPE|Connection is closed|Socket timeout|sentinel/i.test(reason)
    if (lost || isTold() || redis.patient().status !== 'ready') return
    if (performance.now() - lastMs < COMPLAINT_MS) {
      unsaid++
      return
    }
    log.warn({ reason, unsaid }, 'the queue had a problem')
    lastMs = performance.now()
    unsaid = 0
  }
}
