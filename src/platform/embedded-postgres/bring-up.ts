import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Place, SUPERUSER } from './cluster.ts'
import { findFreePort } from './free-port.ts'
import { type HomeLock, takeHomeLock } from './home-lock.ts'
import { findRunning } from './lock-file.ts'
import { launchPostmaster, READY_WAIT_MS } from './postmaster.ts'

/** A server that accepts connections, and the proof that it is ours alone. */
export interface Standing {
  pid: number
  port: number
  lock: HomeLock
  /** Whether it ran already, left over by a Sluice that was killed. */
  isAdopted: boolean
}

export type BringUp = Standing | { taken: string } | { failure: string }

export interface BringUpOptions {
  password: string
  /** The process that holds the lock. */
  holder: number
  /** Given when others know the address already; else a free one is chosen. */
  port?: number
  settings: Record<string, string>
  signal?: AbortSignal
}

const POLL_MS = 50
const PORT_TRIES_MAX = 5
/** Sessions of a killed server outlive it for a moment, and keep a new one out. */
const BUSY_TRIES_MAX = 50
const BUSY_PAUSE_MS = 200

/**
 * Gets from whatever state the cluster is in to a server with our lock on it: adopts one that runs, waits for one that
 * starts or stops, starts one where there is none. Several Sluices may do this at once; the lock decides.
 */
export async function bringUp(place: Place, options: BringUpOptions): Promise<BringUp> {
  const deadline = Date.now() + READY_WAIT_MS
  const launches = { pid: 0, portTaken: 0, busy: 0 }
  let reason = 'it did not get ready in time'
  while (Date.now() < deadline && !options.signal?.aborted) {
    const claimed = await claim(place, options)
    if ('pid' in claimed) return { ...claimed, isAdopted: claimed.pid !== launches.pid }
    if ('taken' in claimed || 'failure' in claimed) return claimed
    if ('wait' in claimed) {
      reason = claimed.wait
      await wait(POLL_MS)
      continue
    }
    const failure = await launchOnce(place, options, launches)
    if (failure !== null) return { failure }
  }
  return { failure: reason }
}

/** @returns why it is of no use to try again, or null. */
async function launchOnce(
  place: Place,
  options: BringUpOptions,
  launches: { pid: number; portTaken: number; busy: number },
): Promise<string | null> {
  const port = options.port ?? (await findFreePort())
  const launch = await launchPostmaster(place, port, options.settings, options.signal)
  if ('pid' in launch) {
    launches.pid = launch.pid
    return null
  }
  if (launch.cause === 'port taken' && options.port === undefined && launches.portTaken++ < PORT_TRIES_MAX)
    return null
  if (launch.cause === 'data in use' && launches.busy++ < BUSY_TRIES_MAX) {
    await wait(BUSY_PAUSE_MS)
    return null
  }
  return launch.failure
}

type Claim =
  | Omit<Standing, 'isAdopted'>
  | { taken: string }
  | { failure: string }
  | { wait: string }
  | { absent: true }

/** Takes the lock on the server that runs, if one does and is ready. */
export async function claim(place: Place, options: BringUpOptions): Promise<Claim> {
  const running = await findRunning(place.data)
  if (running === null) return { absent: true }
  if (!running.isReady) return { wait: `its process ${running.pid} does not get ready` }
  if (options.port !== undefined && running.port !== options.port)
    return { taken: describeTaken(place, null) }
  const attempt = await takeHomeLock(urlOf(options.password, running.port, 'postgres'), options.holder)
  if ('lock' in attempt) return { pid: running.pid, port: running.port, lock: attempt.lock }
  if ('holder' in attempt) return { taken: describeTaken(place, attempt.holder) }
  if ('unreachable' in attempt) return { wait: attempt.unreachable }
  return { failure: `it does not accept the password in ${path.join(place.folder, 'password')}` }
}

export function urlOf(password: string, port: number, database: string): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`
}

function describeTaken(place: Place, holder: number | null): string {
  const who = holder === null ? 'Another Sluice' : `Another Sluice (process ${holder})`
  return `${who} already works on ${path.dirname(place.folder)}: stop it first, or give this one a SLUICE_HOME of its own`
}
