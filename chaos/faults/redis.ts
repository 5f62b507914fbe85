import { Redis } from 'ioredis'
import type { RedisServer } from '../../test/world/redis-server.ts'
import { type Lift, MOMENT, type SeveralFault, SHORT } from './fault.ts'
import { freeze } from './gateways.ts'

export const REDIS_FAULTS: readonly SeveralFault[] = [
  {
    name: 'redis-kill',
    does: 'kill -9 of Redis, which is started again with nothing in it',
    on: 'several',
    to: 'redis',
    lastsMs: SHORT,
    async begin({ redis }) {
      await redis.kill9()
      return () => redis.restart()
    },
  },
  {
    name: 'redis-freeze',
    does: 'SIGSTOP of Redis, and SIGCONT',
    on: 'several',
    to: 'redis',
    lastsMs: SHORT,
    begin: async (site) => freeze(site, [site.redis.pid()]),
  },
  {
    name: 'redis-flush',
    does: 'FLUSHALL',
    on: 'several',
    to: 'redis',
    lastsMs: MOMENT,
    async begin({ redis }) {
      await command(redis, ['FLUSHALL'])
      return async () => {}
    },
  },
  {
    name: 'redis-read-only',
    does: 'Redis becomes the replica of a master that is not there, so it takes no writes, and a master again',
    on: 'several',
    to: 'redis',
    lastsMs: SHORT,
    begin: ({ redis }) => set(redis, ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']),
  },
  {
    name: 'redis-out-of-memory',
    does: 'Redis has no memory left and says so to every write',
    on: 'several',
    to: 'redis',
    lastsMs: SHORT,
    begin: ({ redis }) =>
      set(redis, ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']),
  },
  {
    name: 'redis-evicting',
    does: 'Redis has little memory and makes room by throwing keys away, as a cache does',
    on: 'several',
    to: 'redis',
    lastsMs: SHORT,
    async begin({ redis }) {
      const info = String(await command(redis, ['INFO', 'memory']))
      const used = Number(/^used_memory:(\d+)/m.exec(info)?.[1])
      await command(redis, ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random'])
      await command(redis, ['CONFIG', 'SET', 'maxmemory', String(used + SPARE_BYTES)])
      return async () => {
        await command(redis, ['CONFIG', 'SET', 'maxmemory', '0'])
        await command(redis, ['CONFIG', 'SET', 'maxmemory-policy', 'noeviction'])
      }
    },
  },
]

/** Little enough that a second of work does not fit. */
const SPARE_BYTES = 20_000

async function set(redis: RedisServer, words: string[], back: string[]): Promise<Lift> {
  await command(redis, words)
  return async () => void (await command(redis, back))
}

async function command({ url }: RedisServer, [name = '', ...args]: string[]): Promise<unknown> {
  const client = new Redis(url, { maxRetriesPerRequest: 1 })
  // Its failure comes with the command.
  client.on('error', () => {})
  try {
    return await client.call(name, ...args)
  } finally {
    client.disconnect()
  }
}
