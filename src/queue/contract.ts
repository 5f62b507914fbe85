export type JobKind = 'run' | 'delivery'

/** A pointer to a row of the ledger: everything else about the work stands there. */
export interface Job {
  /**
   * Kind, row and generation, such as `run-<uuid>-<n>`: letters, digits, `-` and `_`. Putting an id that waits, is
   * delayed or is being handled changes nothing; so whoever wants the same row again, or at another time, uses the
   * next generation.
   */
  id: string
  kind: JobKind
  /** The row's uuid. */
  subject: string
  /** The stream of work the job belongs to; lanes do not wait for each other. */
  lane: string
  /** 0 goes first, 100 last; jobs of one priority go in the order they were put. */
  priority: number
  /** Counted from `put`; at most 365 days. */
  delayMs: number
  /** For a handler: how often a worker may have begun with it that fell silent or stopped, where any has. */
  begun?: number
}

/** When `signal` is aborted the worker stops: a handler that throws then has its job handed to another worker. */
export type Handler = (job: Job, signal: AbortSignal) => Promise<void>

export interface TakeOptions {
  /** Jobs this taker handles at once. */
  concurrency: number
}

export interface Taker {
  /** Holds from now on; jobs being handled go on. */
  setConcurrency(options: TakeOptions): Promise<void>
  /**
   * Starts no further job and waits for those being handled. After `deadlineMs` (default 20 s) their signals are
   * aborted; one that then throws goes back into the lane, one that does not end within a second is left behind
   * and is taken over like that of a killed worker.
   */
  close(deadlineMs?: number): Promise<void>
}

export interface Counts {
  waiting: number
  delayed: number
  active: number
}

/** Why the queue takes no work and gives none, and for how long. */
export interface Trouble {
  reason: string
  sinceMs: number
}

/** Jobs may be missing from the queue. What the ledger knows of is to be put again. */
export interface Gap {
  why: string
  /** Of a job that is missing its id may be left, so that putting it again changes nothing: it needs another id. */
  idsMayBeLeft: boolean
}

export interface Queue {
  /**
   * Puts jobs into their lanes, all in one round trip for up to 1,000 of a lane. May be repeated: see `Job.id`. When
   * it fails, some of the jobs may be in.
   *
   * @throws QueueUnavailable within about two seconds when the queue cannot take them now; nothing is kept back.
   */
  put(jobs: readonly Job[]): Promise<void>
  /**
   * Handles the jobs of a lane as they come, and goes on by itself after the queue was away. A job is gone when its
   * handler ended, also when it threw: that is logged, and trying again is the ledger's business. A job whose worker
   * was killed is handed to another one within `lockMs + 2 × stalledCheckMs`.
   */
  take(lane: string, options: TakeOptions, handler: Handler): Promise<Taker>
  /**
   * Jobs in a lane, or in all lanes that this process has put to or taken from.
   *
   * @throws QueueUnavailable
   */
  counts(lane?: string): Promise<Counts>
  /** Known a second or two after it begins and ends; undefined while all is well. */
  trouble(): Trouble | undefined
  /** Tells of gaps: the queue was in trouble and is no more, was emptied, or has dropped something for want of memory. */
  onGap(listener: (gap: Gap) => void): void
  /** Closes the takers with `deadlineMs` each, then itself. */
  close(deadlineMs?: number): Promise<void>
}

/** The queue cannot answer now. The work is safe in the ledger, whose sweeper puts it again. */
export class QueueUnavailable extends Error {
  constructor(reason: string) {
    super(`The queue is not available: ${reason}`)
    this.name = 'QueueUnavailable'
  }
}

export const PRIORITY_HIGHEST = 0
export const CLOSE_DEADLINE_MS = 20_000

const PRIORITY_MAX = 100
const DELAY_MS_MAX = 365 * 24 * 60 * 60 * 1_000

/**
 * The jobs by lane, each id once: in one call nothing of a lane may be handled and put again in between.
 *
 * @throws Error for a job that breaks the contract, which is a defect of the caller.
 */
export function jobsByLane(jobs: readonly Job[]): Map<string, Job[]> {
  const lanes = new Map<string, Map<string, Job>>()
  for (const job of jobs) {
    checkJob(job)
    const lane = lanes.get(job.lane) ?? new Map<string, Job>()
    if (!lane.has(job.id)) lane.set(job.id, job)
    lanes.set(job.lane, lane)
  }
  return new Map([...lanes].map(([lane, byId]) => [lane, [...byId.values()]]))
}

/** @throws Error */
export function checkLane(lane: string): void {
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(lane)) throw new Error(`not a lane: ${JSON.stringify(lane)}`)
}

/** @throws Error */
export function checkConcurrency({ concurrency }: TakeOptions): void {
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 10_000)
    throw new Error(`not a concurrency: ${concurrency}`)
}

function checkJob(job: Job): void {
  // BullMQ separates its keys with colons and numbers jobs without an id of their own.
  if (!/^(?![0-9]+$)[A-Za-z0-9_-]{1,200}$/.test(job.id))
    throw new Error(`not a job id: ${JSON.stringify(job.id)}`)
  checkLane(job.lane)
  if (!Number.isInteger(job.priority) || job.priority < 0 || job.priority > PRIORITY_MAX) {
    throw new Error(`not a priority: ${job.priority}`)
  }
  if (!(job.delayMs >= 0 && job.delayMs <= DELAY_MS_MAX)) throw new Error(`not a delay: ${job.delayMs}`)
}
