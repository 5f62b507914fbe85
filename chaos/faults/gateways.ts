import type { Chance } from '../chance.ts'
import type { Gateway } from '../world/gateway.ts'
import { sandboxesOf } from '../world/gateway.ts'
import type { Installed } from '../world/installation.ts'
import { signalAll } from '../world/process-table.ts'
import { anyOf, type Lift, MOMENT, type SeveralFault, SHORT } from './fault.ts'

/** It stays down for a moment, as it does until a service manager has noticed. */
const DOWN_MS = [200, 1_500] as const

export const GATEWAY_FAULTS: readonly SeveralFault[] = [
  {
    name: 'edge-kill',
    does: 'kill -9 of an edge, which is started again',
    on: 'several',
    to: 'edges',
    lastsMs: DOWN_MS,
    begin: ({ edges }, chance) => keepDown(anyOf(edges, chance), 'SIGKILL'),
  },
  {
    name: 'edge-freeze',
    does: 'SIGSTOP of an edge, and SIGCONT',
    on: 'several',
    to: 'edges',
    lastsMs: SHORT,
    begin: async (site, chance) => freeze(site, [anyOf(site.edges, chance).pid()]),
  },
  {
    name: 'edge-restart',
    does: 'SIGTERM of one edge after the other, each started again',
    on: 'several',
    to: 'edges',
    lastsMs: MOMENT,
    begin: ({ edges }) => restartInTurn(edges),
  },
  {
    name: 'worker-kill',
    does: 'kill -9 of a worker, which is started again',
    on: 'several',
    to: 'workers',
    lastsMs: DOWN_MS,
    begin: ({ workers }, chance) => keepDown(anyOf(workers, chance), 'SIGKILL'),
  },
  {
    name: 'worker-freeze',
    does: 'SIGSTOP of a worker, and SIGCONT',
    on: 'several',
    to: 'workers',
    lastsMs: SHORT,
    begin: async (site, chance) => freeze(site, [anyOf(site.workers, chance).pid()]),
  },
  {
    name: 'worker-restart',
    does: 'SIGTERM of one worker after the other, each started again',
    on: 'several',
    to: 'workers',
    lastsMs: MOMENT,
    begin: ({ workers }) => restartInTurn(workers),
  },
  {
    name: 'sandbox-kill',
    does: 'kill -9 of every process that executes rewrite functions',
    on: 'several',
    to: 'sandbox',
    lastsMs: MOMENT,
    needs: ['process table'],
    begin: killSandboxes,
  },
  {
    name: 'sandbox-freeze',
    does: 'SIGSTOP of every process that executes rewrite functions, and SIGCONT',
    on: 'several',
    to: 'sandbox',
    lastsMs: SHORT,
    needs: ['process table'],
    begin: freezeSandboxes,
  },
]

const START_WITHIN_MS = 60_000

export async function keepDown(gateway: Gateway, signal: 'SIGKILL' | 'SIGTERM'): Promise<Lift> {
  const release = await gateway.keepDown(signal)
  return async () => release()
}

export async function freeze(site: Installed, pids: (number | undefined)[]): Promise<Lift> {
  const thaw = site.freeze(pids.filter((pid) => pid !== undefined))
  return async () => thaw()
}

/** As an upgrade without a pause does it. */
async function restartInTurn(gateways: readonly Gateway[]): Promise<Lift> {
  for (const gateway of gateways) {
    const release = await gateway.keepDown('SIGTERM')
    release()
    await gateway.whenReady(START_WITHIN_MS)
  }
  return async () => {}
}

export async function killSandboxes({ workers }: Installed, _chance: Chance): Promise<Lift> {
  signalAll(workers.flatMap(sandboxesOf), 'SIGKILL')
  return async () => {}
}

export async function freezeSandboxes(site: Installed, _chance: Chance): Promise<Lift> {
  return freeze(site, site.workers.flatMap(sandboxesOf))
}
