import type { Log } from '../platform/log.ts'
import { type RedisConnection, redisProblem } from '../platform/redis.ts'
import type { Gap, Trouble } from './contract.ts'

/**
 * Feels every second whether Redis takes writes: a connection alone says little, as a replica, a Redis whose memory is
 * full and one that waits for its replicas all answer, and refuse.
 */
export interface Pulse {
  trouble(): Trouble | undefined
  /** See {@link Queue.onGap}. */
  onGap(listener: (gap: Gap) => void): void
  /** What it has asked then is cut off with the connection. */
  close(): void
}

const PULSE_MS = 1_000
/** Redis may evict a key with each write: what was put back would be told of again and again. */
const EVICTED_TOLD_MS = 60_000

interface Beat {
  /** The key that the pulse before this one left is gone. */
  isEmptied: boolean
  evictedKeys: number
}

export function feelPulse(redis: RedisConnection, prefix: string, log: Log): Pulse {
  const key = `${prefix}:pulse`
  const listeners: ((gap: Gap) => void)[] = []
  let trouble: { reason: string; atMs: number } | undefined
  let evictedKeys = 0
  let evictedToldMs = Number.NEGATIVE_INFINITY
  let isFirst = true
  let isRefusalTold = false
  let isBeating = false
  let isClosed = false

  const tell = (why: string, idsMayBeLeft = false): void => {
    for (const listener of listeners) listener({ why, idsMayBeLeft })
  }

  async function beat(): Promise<void> {
    try {
      notice(await feel(redis, key))
    } catch (error) {
      lose(redisProblem(error))
    }
  }

  function lose(reason: string): void {
    if (isClosed || trouble) return
    trouble = { reason, atMs: performance.now() }
    // A connection that is lost tells of itself.
    isRefusalTold = redis.prompt().status === 'ready'
    if (isRefusalTold) log.warn({ redis: redis.name, reason }, 'Redis refuses work')
  }

  function notice(felt: Beat): void {
    const wasAway = trouble !== undefined
    trouble = undefined
    if (isRefusalTold) log.info({ redis: redis.name }, 'Redis takes work again')
    isRefusalTold = false
    if (wasAway) tell('the queue was away')
    // The first finds no key where nobody was before it, and counts what was evicted before its time.
    else if (felt.isEmptied && !isFirst) tell('Redis was emptied')
    if (isFirst || felt.evictedKeys < evictedKeys) evictedKeys = felt.evictedKeys
    isFirst = false
    if (felt.evictedKeys > evictedKeys) noticeEvicted(felt.evictedKeys)
  }

  function noticeEvicted(keys: number): void {
    if (performance.now() - evictedToldMs < EVICTED_TOLD_MS) return
    evictedToldMs = performance.now()
    log.error(
      { redis: redis.name, evictedKeys: keys - evictedKeys },
      'Redis has dropped keys for want of memory, which may have been work: set maxmemory-policy to noeviction',
    )
    evictedKeys = keys
    tell('Redis has evicted keys', true)
  }

  async function beatOnce(): Promise<void> {
    if (isBeating) return
    isBeating = true
    await beat()
    isBeating = false
  }

  void beatOnce()
  const timer = setInterval(() => void beatOnce(), PULSE_MS)
  return {
    trouble: () => trouble && { reason: trouble.reason, sinceMs: performance.now() - trouble.atMs },
    onGap: (listener) => void listeners.push(listener),
    close() {
      isClosed = true
      clearInterval(timer)
    },
  }
}

/** @throws what keeps Redis from taking a write */
async function feel(redis: RedisConnection, key: string): Promise<Beat> {
  await redis.settled()
  const client = redis.prompt()
  if (client.status !== 'ready') throw new Error('Redis is away')
  // Looked at and left in one step: between two Redis could be emptied, and nobody would notice. (SET … GET is younger
  // than some Redis that are served.)
  const [before, info] = await Promise.all([client.getset(key, Date.now()), client.info('stats')])
  return { isEmptied: before === null, evictedKeys: Number(/^evicted_keys:(\d+)/m.exec(info)?.[1] ?? 0) }
}
