import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { isServerOf } from '../../src/platform/embedded-postgres/process-table.ts'
import { migrate } from '../../src/platform/migrate.ts'
import { connectPostgres } from '../../src/platform/postgres.ts'
import { launchPostgres, type PostgresServer } from '../../test/world/postgres-server.ts'
import { launchRedis } from '../../test/world/redis-server.ts'
import { createIntegrations } from '../integrations.ts'
import type { Closing } from './closing.ts'
import { freezer } from './freezer.ts'
import { type Gateway, launchGateway, START_WITHIN_MS } from './gateway.ts'
import type { Guard } from './guard.ts'
import type { InstallationOptions, PostgresHandle, Several } from './installation.ts'
import { childrenOf, hasProcessTable } from './process-table.ts'
import { ADMIN_KEY, gatewaySettings } from './settings.ts'
import { borrowSmallDisk, type SmallDisk } from './small-disk.ts'
import { openWay } from './way.ts'

export interface SeveralOptions extends InstallationOptions {
  redisProgram: string
  edges: number
  workers: number
}

/** A small disk must not hold more of the log of changes than it has room for. */
const SMALL_LOG = { min_wal_size: '32MB', max_wal_size: '128MB' }

/** Opens everything in the order in which operators do; `closing` closes it in reverse. */
export async function openSeveral(options: SeveralOptions, guard: Guard, closing: Closing): Promise<Several> {
  const { prefix, receiverPort, beReceiver } = options
  const home = path.join(guard.scratch, `${prefix}-postgres`)
  const disk = makeHome(home, options, guard, closing)
  const server = await launchPostgres(home, disk && SMALL_LOG)
  closing.add(() => server.stop())
  const redis = await launchRedis({ path: options.redisProgram, scratch: guard.scratch })
  closing.add(() => redis.stop())
  const way = await openWay(server.port)
  closing.add(() => way.close())
  const sql = connectPostgres(server.url, { connectionsMax: 2, applicationName: 'chaos' })
  closing.add(() => sql.end({ timeout: 1 }))
  // Once, or each process would wait for the other ones'.
  await migrate(server.url)
  const env = {
    ...gatewaySettings(receiverPort),
    DATABASE_URL: atPort(server.url, way.port),
    REDIS_URL: redis.url,
    SLUICE_MASTER_KEY: randomBytes(32).toString('base64'),
    SLUICE_ADMIN_KEY: ADMIN_KEY,
  }
  const homeDisks: SmallDisk[] = []
  async function launch(role: 'edge' | 'worker', count: number): Promise<Gateway[]> {
    const names = Array.from({ length: count }, (_, index) => `${prefix}-${role}-${index + 1}`)
    const launching = names.map((name) => {
      const home = path.join(guard.scratch, `${name}-home`)
      const homeDisk = makeHome(home, options, guard, closing)
      if (homeDisk && role === 'edge') homeDisks.push(homeDisk)
      return launchGateway({ name, role, env, folder: path.join(guard.scratch, name), home, guard })
    })
    const launched = await Promise.all(launching)
    for (const gateway of launched) closing.add(() => gateway.close())
    return launched
  }
  const [edges, workers] = await Promise.all([
    launch('edge', options.edges),
    launch('worker', options.workers),
  ])
  await Promise.all([...edges, ...workers].map((gateway) => gateway.whenReady(START_WITHIN_MS)))
  return {
    kind: 'several',
    edges,
    workers,
    postgres: handleOf(server),
    redis,
    way,
    disk,
    homeDisks,
    integrations: await createIntegrations(edges[0]?.url ?? '', ADMIN_KEY, receiverPort),
    beReceiver,
    freeze: freezer(guard),
    sql: async () => sql,
    databaseUrl: async () => server.url,
    close: () => closing.closeAll(),
  }
}

/** A folder, on a small disk where that was asked for. */
function makeHome(
  folder: string,
  { onSmallDisk }: SeveralOptions,
  guard: Guard,
  closing: Closing,
): SmallDisk | undefined {
  if (onSmallDisk) return borrowSmallDisk(folder, guard, closing)
  mkdirSync(folder, { mode: 0o711 })
  return undefined
}

function handleOf(server: PostgresServer): PostgresHandle {
  const isRunning = () => isServerOf(server.pid(), server.data)
  return {
    async pids() {
      if (!(await isRunning()) || !hasProcessTable) return []
      return [server.pid(), ...childrenOf(server.pid())]
    },
    async kill9() {
      if (await isRunning()) await server.kill9()
    },
    restart: () => server.restart(),
    async bringBack() {
      if (!(await isRunning())) await server.restart()
    },
  }
}

function atPort(url: string, port: number): string {
  const changed = new URL(url)
  changed.port = String(port)
  return changed.href
}
