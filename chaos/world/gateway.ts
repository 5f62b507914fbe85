import { closeSync, mkdirSync, openSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { findFreePort } from '../../src/platform/embedded-postgres/free-port.ts'
import { spawnSluice } from '../../test/world/spawn-sluice.ts'
import type { Guard } from './guard.ts'
import { childrenOf, commandOf } from './process-table.ts'
import { type Supervised, supervise } from './supervised.ts'

/** A gateway as a process of its own, the same program that operators start. */
export interface Gateway extends Supervised {
  /** The same after each start. */
  url: string
  home: string
  /** The file of {@link file://./turned-clock.ts}. */
  clockFile: string
}

export interface GatewayOptions {
  name: string
  role: 'edge' | 'worker' | 'all'
  env: Record<string, string>
  /** Where it works and its output is kept. */
  folder: string
  /** Its SLUICE_HOME. */
  home: string
  guard: Guard
}

const TURNED_CLOCK = fileURLToPath(new URL('turned-clock.ts', import.meta.url))
const ANSWER_WITHIN_MS = 1_000
export const START_WITHIN_MS = 120_000

export async function launchGateway(options: GatewayOptions): Promise<Gateway> {
  const { name, role, env, folder, home, guard } = options
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const clockFile = path.join(folder, 'clock')
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  const supervised = supervise({
    name,
    guard,
    start() {
      const log = openSync(path.join(folder, 'log'), 'a')
      try {
        return spawnSluice({
          role,
          cwd: folder,
          env: { ...env, PORT: String(port), SLUICE_HOME: home, CHAOS_CLOCK_FILE: clockFile },
          nodeOptions: ['--import', TURNED_CLOCK],
          log,
          detached: true,
        })
      } finally {
        closeSync(log)
      }
    },
    isReady: () => isLive(url),
  })
  return { ...supervised, url, home, clockFile }
}

/** The processes that execute rewrite functions for it. */
export function sandboxesOf(gateway: Gateway): number[] {
  const pid = gateway.pid()
  if (pid === undefined) return []
  return childrenOf(pid).filter((child) => commandOf(child).some((word) => word.includes('sandbox/child')))
}

async function isLive(url: string): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
  return fetch(`${url}/health/live`, { signal }).then(
    ({ ok }) => ok,
    () => false,
  )
}
