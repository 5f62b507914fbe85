/** Who does it next, and when: ids of runs and deliveries, with delay, priority and lane. */
import type { Log } from '../platform/log.ts'
import type { RedisConnection } from '../platform/redis.ts'
import type { Queue } from './contract.ts'

export {
  type Counts,
  type Gap,
  type Handler,
  type Job,
  type JobKind,
  PRIORITY_HIGHEST,
  type Queue,
  QueueUnavailable,
  type TakeOptions,
  type Taker,
  type Trouble,
} from './contract.ts'

export { createInProcessQueue } from './in-process.ts'

export interface SharedQueueOptions {
  /** The caller closes the connection. */
  redis: RedisConnection
  log: Log
  /** First part of every key in Redis, default `sluice`. Letters, digits, `-` and `_`. */
  prefix?: string
  /** How long a job belongs to a worker that gives no sign of life, default 30 s. */
  lockMs?: number
  /** How often jobs of dead workers are looked for, default 15 s. */
  stalledCheckMs?: number
}

/**
 * A queue in Redis, which several processes share; it keeps the same contract as the one in process. Loads BullMQ, a
 * fifth of the program, without which a gateway that needs none starts earlier.
 */
export async function createSharedQueue(options: SharedQueueOptions): Promise<Queue> {
  const { redis, log, prefix = 'sluice', lockMs = 30_000, stalledCheckMs = 15_000 } = options
  if (!/^[A-Za-z0-9_-]{1,50}$/.test(prefix)) throw new Error(`not a prefix: ${JSON.stringify(prefix)}`)
  const { createBullmqQueue } = await import('./bullmq.ts')
  return createBullmqQueue({ redis, log, prefix, lockMs, stalledCheckMs })
}
