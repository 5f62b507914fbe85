import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { launchRedis, type RedisServer } from './redis-server.ts'

export type { RedisServer } from './redis-server.ts'

/** The Redis that all test files share, and a beginning for keys that no other test uses. */
export function sharedRedis(): { url: string; prefix: string } {
  return { url: inject('redisUrl'), prefix: `test-${randomBytes(6).toString('hex')}` }
}

/** A Redis of one's own that may be killed. It keeps nothing on disk, unless `args` say so: `['--appendonly', 'yes']`. */
export async function startRedis(options: { args?: string[] } = {}): Promise<RedisServer> {
  const path = inject('redisServerPath')
  if (path === '') {
    throw new Error(
      'Tests that kill a Redis need redis-server or valkey-server on the PATH, beside TEST_REDIS_URL',
    )
  }
  return launchRedis({ path, scratch: inject('scratch'), ...options })
}
