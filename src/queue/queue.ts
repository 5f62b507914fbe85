/** Who does it next, and when: ids of runs and deliveries, with delay, priority and lane. */
import type { Log } from '../platform/log.ts'
import type { RedisConnection } from '../platform/redis.ts'
import { createBullmqQueue } from './bullmq.ts'
import type { Queue } from './contract.ts'
import { createInProcessQueue } from './in-process.ts'

export {
  type Counts,
  type Gap,
  type Handler,
  type Job,
  type JobKind,
  PRIORITY_DEFAULT,
  type Queue,
  QueueUnavailable,
  type TakeOptions,
  type Taker,
  type Trouble,
} from './contract.ts'

export interface QueueOptions {
  /** Selects BullMQ; without it the queue lives and dies with this process. The caller closes the connection. */
  redis: RedisConnection | undefined
  log: Log
  /** First part of every key in Redis, default `sluice`. Letters, digits, `-` and `_`. */
  prefix?: string
  /** How long a job belongs to a worker that gives no sign of life, default 30 s. */
  lockMs?: number
  /** How often jobs of dead workers are looked for, default 15 s. */
  stalledCheckMs?: number
}

/** The engine that the settings ask for; both keep one contract. */
export function createQueue(options: QueueOptions): Queue {
  const { redis, log, prefix = 'sluice', lockMs = 30_000, stalledCheckMs = 15_000 } = options
  if (!redis) return createInProcessQueue({ log })
  if (!/^[A-Za-z0-9_-]{1,50}$/.test(prefix)) throw new Error(`not a prefix: ${JSON.stringify(prefix)}`)
  return createBullmqQueue({ redis, log, prefix, lockMs, stalledCheckMs })
}
