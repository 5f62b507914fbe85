import { mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { urlOf } from '../../src/platform/embedded-postgres/bring-up.ts'
import { findRunning } from '../../src/platform/embedded-postgres/lock-file.ts'
import { connectPostgres, type Sql } from '../../src/platform/postgres.ts'
import { createIntegrations } from '../integrations.ts'
import type { Closing } from './closing.ts'
import { freezer } from './freezer.ts'
import { launchGateway, START_WITHIN_MS } from './gateway.ts'
import type { Guard } from './guard.ts'
import type { Embedded, InstallationOptions, PostgresHandle } from './installation.ts'
import { childrenOf, hasProcessTable, signalAll } from './process-table.ts'
import { gatewaySettings } from './settings.ts'
import { borrowSmallDisk } from './small-disk.ts'

const DATABASE = 'sluice'
const BACK_WITHIN_MS = 60_000
const POLL_MS = 50

export async function openEmbedded(
  { prefix, receiverPort, onSmallDisk, beReceiver }: InstallationOptions,
  guard: Guard,
  closing: Closing,
): Promise<Embedded> {
  const home = path.join(guard.scratch, `${prefix}-home`)
  const disk = onSmallDisk ? borrowSmallDisk(home, guard, closing) : undefined
  if (!disk) mkdirSync(home, { mode: 0o711 })
  const gateway = await launchGateway({
    name: 'embedded',
    role: 'all',
    env: gatewaySettings(receiverPort),
    folder: path.join(guard.scratch, `${prefix}-embedded`),
    home,
    guard,
  })
  // It is ended in order, because its PostgreSQL ends with it.
  closing.add(async () => void (await gateway.keepDown('SIGTERM')))
  await gateway.whenReady(START_WITHIN_MS)
  const adminKey = (await readFile(path.join(home, 'admin.key'), 'utf8')).trim()
  const connections = createConnections(home)
  closing.add(() => connections.close())
  return {
    kind: 'embedded',
    edges: [gateway],
    workers: [gateway],
    postgres: handleOf(path.join(home, 'postgres', 'data')),
    disk,
    integrations: await createIntegrations(gateway.url, adminKey, receiverPort),
    beReceiver,
    freeze: freezer(guard),
    sql: connections.sql,
    databaseUrl: connections.url,
    close: () => closing.closeAll(),
  }
}

/** Whose server may listen on another port after a start. */
function createConnections(home: string) {
  const folder = path.join(home, 'postgres')
  let open: { url: string; sql: Sql } | undefined

  async function url(): Promise<string> {
    const running = await findRunning(path.join(folder, 'data'))
    if (!running?.isReady) throw new Error('the embedded PostgreSQL is down')
    const password = (await readFile(path.join(folder, 'password'), 'utf8')).trim()
    return urlOf(password, running.port, DATABASE)
  }

  async function close(): Promise<void> {
    await open?.sql.end({ timeout: 1 })
    open = undefined
  }

  return {
    url,
    async sql() {
      const now = await url()
      if (open?.url !== now) {
        await close()
        open = { url: now, sql: connectPostgres(now, { connectionsMax: 2, applicationName: 'chaos' }) }
      }
      return open.sql
    },
    close,
  }
}

function handleOf(data: string): PostgresHandle {
  async function pids(): Promise<number[]> {
    const running = await findRunning(data)
    return running && hasProcessTable ? [running.pid, ...childrenOf(running.pid)] : []
  }
  async function bringBack(): Promise<void> {
    const deadline = performance.now() + BACK_WITHIN_MS
    while (!(await findRunning(data))?.isReady) {
      if (performance.now() > deadline) throw new Error('the embedded PostgreSQL did not come back')
      await pause(POLL_MS)
    }
  }
  return {
    pids,
    async kill9() {
      const running = await findRunning(data)
      if (running) signalAll([running.pid], 'SIGKILL')
    },
    restart: bringBack,
    bringBack,
  }
}
