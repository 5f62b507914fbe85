import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import type { Log } from '../../src/platform/log.ts'
import { connectRedis, type RedisConnection } from '../../src/platform/redis.ts'
import { readRedisAddress } from '../../src/platform/redis-address.ts'
import type { Job } from '../../src/queue/queue.ts'

export type LogLine = Record<string, unknown> & { msg: string }

export function listeningLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  return { log, lines }
}

export function redisAt(url: string, log: Log, answerMs?: number): RedisConnection {
  const reading = readRedisAddress(url)
  if (!reading.ok) throw new Error(reading.problem)
  return connectRedis(reading.address, { log, ...(answerMs === undefined ? {} : { answerMs }) })
}

export function aJob(given: Partial<Job> = {}): Job {
  const subject = randomUUID()
  return {
    id: `run-${subject}-1`,
    kind: 'run',
    subject,
    lane: 'runs',
    priority: 50,
    delayMs: 0,
    ...given,
  }
}

/** A promise with its handles outside, to hold a handler and let it go. */
export function gate(): { open: () => void; passed: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { open: resolve, passed: promise }
}
