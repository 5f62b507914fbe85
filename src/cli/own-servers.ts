import { type Sql, systemIdentifierOf } from '../platform/postgres.ts'
import type { RedisConnection } from '../platform/redis.ts'
import type { OwnServers } from '../send/send.ts'

/** The servers that hold our own data. A database keeps its identity; a Redis has another after each start. */
export function ownServers(sql: Sql, redis: RedisConnection | undefined): OwnServers {
  let known: Promise<string> | undefined
  return {
    postgres() {
      known ??= systemIdentifierOf(sql).catch((error) => {
        known = undefined
        throw error
      })
      return known
    },
    redis: async () => (redis ? redis.identities() : []),
  }
}
