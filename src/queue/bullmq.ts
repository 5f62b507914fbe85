import { type BulkJobOptions, Queue as BullQueue, type ConnectionOptions } from 'bullmq'
import type { Log } from '../platform/log.ts'
import { type RedisConnection, redisProblem } from '../platform/redis.ts'
import { BullmqTaker } from './bullmq-taker.ts'
import { type Counts, checkLane, type Job, jobsByLane, type Queue, QueueUnavailable } from './contract.ts'
import { feelPulse } from './redis-pulse.ts'

export interface BullmqOptions {
  redis: RedisConnection
  log: Log
  prefix: string
  lockMs: number
  stalledCheckMs: number
}

/** Redis runs each pipeline without a pause for others: longer ones would hold everybody up. */
const PIPELINE_JOBS_MAX = 1_000

/** One BullMQ queue per lane. All keys carry one hash tag, because BullMQ's scripts need theirs on one Cluster node. */
export function createBullmqQueue(options: BullmqOptions): Queue {
  const { redis, log } = options
  const prefix = `{${options.prefix}}`
  const lanes = new Map<string, BullQueue>()
  const takers = new Set<BullmqTaker>()
  const pulse = feelPulse(redis, prefix, log)
  let closing: Promise<void> | undefined

  function laneCalled(name: string): BullQueue {
    checkLane(name)
    const lane = lanes.get(name) ?? openLane(name, redis, prefix)
    lanes.set(name, lane)
    return lane
  }
  async function close(deadlineMs?: number): Promise<void> {
    await Promise.all([...takers].map((taker) => taker.close(deadlineMs)))
    await Promise.all([...lanes.values()].map((lane) => lane.close()))
    lanes.clear()
    pulse.close()
  }

  return {
    async put(jobs) {
      const byLane = jobsByLane(jobs)
      if (closing) throw new QueueUnavailable('it is closed')
      const trouble = pulse.trouble()
      if (trouble) throw new QueueUnavailable(trouble.reason)
      await promptly(redis, () =>
        Promise.all([...byLane].map(([lane, entries]) => addAll(laneCalled(lane), entries))),
      )
    },
    async take(lane, takeOptions, handler) {
      if (closing) throw new QueueUnavailable('it is closed')
      laneCalled(lane)
      const taker = new BullmqTaker(
        { ...options, prefix, log: log.child({ lane }), lane, isTold: () => pulse.trouble() !== undefined },
        takeOptions,
        handler,
      )
      takers.add(taker)
      void taker.closed.then(() => takers.delete(taker))
      return taker
    },
    counts(lane) {
      const asked = lane === undefined ? [...lanes.values()] : [laneCalled(lane)]
      return promptly(redis, async () => (await Promise.all(asked.map(countLane))).reduce(addCounts, NOTHING))
    },
    trouble: pulse.trouble,
    onGap: pulse.onGap,
    close: (deadlineMs) => (closing ??= close(deadlineMs)),
  }
}

function openLane(name: string, redis: RedisConnection, prefix: string): BullQueue {
  const lane = new BullQueue(name, {
    connection: redis.prompt() as ConnectionOptions,
    prefix,
    // Asking for the version would fail for good when Redis is away at this moment.
    skipWaitingForReady: true,
    skipVersionCheck: true,
    skipMetasUpdate: true,
  })
  // The connection itself tells when Redis comes and goes.
  lane.on('error', () => {})
  return lane
}

/** Runs a question to Redis, which fails at once while Redis is away, and after the connection's time in any case. */
async function promptly<Answer>(redis: RedisConnection, ask: () => Promise<Answer>): Promise<Answer> {
  await redis.settled()
  if (redis.prompt().status !== 'ready') throw new QueueUnavailable('Redis is away')
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${redis.answerMs} ms`)), redis.answerMs)
  })
  try {
    return await Promise.race([ask(), tooLate])
  } catch (error) {
    throw new QueueUnavailable(redisProblem(error))
  } finally {
    clearTimeout(timer)
  }
}

async function addAll(lane: BullQueue, jobs: Job[]): Promise<void> {
  for (let start = 0; start < jobs.length; start += PIPELINE_JOBS_MAX) {
    await lane.addBulk(jobs.slice(start, start + PIPELINE_JOBS_MAX).map(toBullJob))
  }
}

function toBullJob({ id, kind, subject, priority, delayMs }: Job) {
  const opts: BulkJobOptions = { jobId: id }
  // BullMQ takes jobs without a priority first, in order, then 1, 2, 3, …: so 0 is the highest there too.
  if (priority > 0) opts.priority = priority
  if (delayMs > 0) opts.delay = Math.ceil(delayMs)
  return { name: kind, data: subject, opts }
}

const NOTHING: Counts = { waiting: 0, delayed: 0, active: 0 }

async function countLane(lane: BullQueue): Promise<Counts> {
  const {
    wait = 0,
    prioritized = 0,
    delayed = 0,
    active = 0,
  } = await lane.getJobCounts('wait', 'prioritized', 'delayed', 'active')
  return { waiting: wait + prioritized, delayed, active }
}

function addCounts(a: Counts, b: Counts): Counts {
  return { waiting: a.waiting + b.waiting, delayed: a.delayed + b.delayed, active: a.active + b.active }
}
