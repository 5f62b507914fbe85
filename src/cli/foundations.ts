import { type Integrations, openIntegrations } from '../integrations/integrations.ts'
import { createLedger, type Ledger } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import { createMetrics, type Metrics } from '../platform/metrics.ts'
import type { RedisConnection } from '../platform/redis.ts'
import type { RedisAddress } from '../platform/redis-address.ts'
import { createSealer, type Sealer } from '../platform/sealing.ts'
import type { Settings } from '../platform/settings.ts'
import { createInProcessQueue, createSharedQueue, type Queue } from '../queue/queue.ts'
import { createRewriter, type Rewriter } from '../rewrite/rewrite.ts'
import type { OwnServers } from '../send/send.ts'
import { PARTITION_DAYS_AHEAD } from '../upkeep/upkeep.ts'
import type { CheckedSettings } from './checked-settings.ts'
import type { Closers } from './closers.ts'
import { createHandOver, type HandOver } from './hand-over.ts'
import { masterKey } from './home.ts'
import { ownServers } from './own-servers.ts'
import type { Storage } from './storage.ts'

/** The other connections are for the work. */
const CONNECTIONS_PER_SEARCH = 4

/** What edges and workers both stand on. */
export interface Foundations {
  integrations: Integrations
  ledger: Ledger
  queue: Queue
  handOver: HandOver
  metrics: Metrics
  sealer: Sealer
  fingerprintKey: Buffer
  own: OwnServers
}

export async function openFoundations(
  settings: Settings,
  checked: CheckedSettings,
  { sql, connectCommits, arrived, copyFile }: Storage,
  ownLanes: Queue | undefined,
  log: Log,
  closers: Closers,
): Promise<Foundations> {
  const key = await masterKey(settings)
  const sealer = createSealer(key)
  const metrics = createMetrics()
  const ledger = closers.add(
    createLedger({
      sql,
      connectCommits,
      searches: {
        atOnceMax: Math.floor(settings.DATABASE_CONNECTIONS_MAX / CONNECTIONS_PER_SEARCH),
        secondsMax: settings.SEARCH_SECONDS,
      },
      storeWaitMs: settings.STORE_WAIT_MS,
      pendingBytesMax: settings.PENDING_BYTES_MAX,
      log,
    }),
    (opened) => opened.close(),
  )
  // What could not be made now is made by and by; until then there is the default partition.
  const makePartitions = () =>
    ledger
      .makePartitions(new Date(), PARTITION_DAYS_AHEAD)
      .catch((error) => log.warn({ err: error }, 'partitions could not be made ahead'))
  if (arrived) void arrived.then(makePartitions)
  else await makePartitions()
  const integrations = closers.add(
    await openIntegrations({
      sql,
      sealer,
      reloadSeconds: settings.RELOAD_SECONDS,
      copyFile,
      arrived,
      log,
    }),
    (opened) => opened.close(),
  )
  const redis = checked.redis && closers.add(await connectTo(checked.redis, log), (opened) => opened.close())
  const queue = closers.add(
    redis
      ? await createSharedQueue({ redis, log, prefix: settings.REDIS_PREFIX })
      : createInProcessQueue({ log }),
    (opened) => opened.close(settings.DRAIN_MS),
  )
  const handOver = closers.add(createHandOver(queue, log, ownLanes), (opened) => opened.close())
  return {
    integrations,
    ledger,
    queue,
    handOver,
    metrics,
    sealer,
    fingerprintKey: key,
    own: ownServers(sql, redis),
  }
}

/** Loads the client with it: a gateway without Redis needs none. */
async function connectTo(address: RedisAddress, log: Log): Promise<RedisConnection> {
  const { connectRedis } = await import('../platform/redis.ts')
  return connectRedis(address, { log })
}

export function openRewriter(settings: Settings, metrics: Metrics, log: Log): Rewriter {
  return createRewriter({
    processes: settings.SANDBOX_PROCESSES,
    limits: {
      memoryMb: settings.FUNCTION_MEMORY_MB,
      cpuMs: settings.FUNCTION_CPU_MS,
      wallMs: settings.FUNCTION_WALL_MS,
      outputBytesMax: settings.FUNCTION_OUTPUT_BYTES_MAX,
      logLinesMax: 200,
      logBytesMax: 64 * 1024,
    },
    metrics,
    log,
  })
}
