import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import { urlOf } from '../../src/platform/embedded-postgres/bring-up.ts'
import { openCluster, type Place } from '../../src/platform/embedded-postgres/cluster.ts'
import { findFreePort } from '../../src/platform/embedded-postgres/free-port.ts'
import {
  launchPostmaster,
  stopPostmaster,
  untilGone,
} from '../../src/platform/embedded-postgres/postmaster.ts'
import { findPlace } from '../../src/platform/embedded-postgres.ts'
import { childrenOf, isAlive } from './children.ts'

export interface PostgresServer {
  /** Its database: empty, or as it was in a cluster that was there already. */
  url: string
  port: number
  /** Its data directory. */
  data: string
  /** That of the postmaster; another one after each restart. */
  pid(): number
  /** As by a loss of power: nothing more is written, every session is cut off. */
  kill9(): Promise<void>
  /** Stops all of its processes in their tracks, until what it gives is called. */
  freeze(): () => void
  /** Ends it in order. */
  stop(): Promise<void>
  /** On the same port and with the same data; ends it in order first if it runs. */
  restart(): Promise<void>
}

const DATABASE = 'sluice'
const PORT_TRIES_MAX = 5
const RESTART_WAIT_MS = 15_000
const POLL_MS = 5

/**
 * Makes a cluster of its own below `home`, unless there is one, with an empty database, and starts its server on a free
 * port of 127.0.0.1.
 *
 * @param settings of the server, beside those that Sluice's embedded one has
 */
export async function launchPostgres(
  home: string,
  settings?: Record<string, string>,
): Promise<PostgresServer> {
  const place = await findPlace(home)
  const { password, isNew } = await openCluster(place)
  const { pid, port } = await launchFirst(place, settings)
  if (isNew) {
    const sql = postgres(urlOf(password, port, 'postgres'), { max: 1 })
    await sql`CREATE DATABASE ${sql(DATABASE)}`
    await sql.end()
  }
  return manage(place, pid, port, urlOf(password, port, DATABASE), settings)
}

function manage(
  place: Place,
  firstPid: number,
  port: number,
  url: string,
  settings?: Record<string, string>,
): PostgresServer {
  let pid = firstPid
  const stop = async () => {
    if (!(await stopPostmaster(place.data, pid))) throw new Error(`PostgreSQL ${pid} did not stop`)
  }
  return {
    url,
    port,
    data: place.data,
    pid: () => pid,
    stop,
    kill9: async () => {
      const sessions = freezeAll(pid)
      for (const one of [pid, ...sessions]) process.kill(one, 'SIGKILL')
      await untilGone(place.data, pid, RESTART_WAIT_MS)
      // Those of a server that is gone answer for a moment longer.
      while (sessions.some(isAlive)) await wait(POLL_MS)
    },
    freeze: () => {
      const sessions = freezeAll(pid)
      return () => {
        for (const one of [...sessions, pid]) process.kill(one, 'SIGCONT')
      }
    },
    restart: async () => {
      await stop()
      pid = await launchAgain(place, port, settings)
    },
  }
}

/** Gives the others than the postmaster, which is first, so that it makes no session any more that would be missed. */
function freezeAll(postmaster: number): number[] {
  process.kill(postmaster, 'SIGSTOP')
  const sessions = childrenOf(postmaster)
  for (const pid of sessions) process.kill(pid, 'SIGSTOP')
  return sessions
}

async function launchFirst(
  place: Place,
  settings?: Record<string, string>,
): Promise<{ pid: number; port: number }> {
  for (let tries = 1; ; tries++) {
    const port = await findFreePort()
    const launch = await launchPostmaster(place, port, settings)
    if ('pid' in launch) return { pid: launch.pid, port }
    if (launch.cause !== 'port taken' || tries === PORT_TRIES_MAX) throw new Error(launch.failure)
  }
}

/** The sessions of a killed server live on for a moment and keep a new one out. */
async function launchAgain(place: Place, port: number, settings?: Record<string, string>): Promise<number> {
  const deadline = Date.now() + RESTART_WAIT_MS
  for (;;) {
    const launch = await launchPostmaster(place, port, settings)
    if ('pid' in launch) return launch.pid
    if (launch.cause === 'other' || Date.now() > deadline) throw new Error(launch.failure)
    await wait(100)
  }
}
