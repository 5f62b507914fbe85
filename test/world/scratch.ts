import { readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { isRunning, isServerOf } from '../../src/platform/embedded-postgres/process-table.ts'

/** Everything that one run of the suite writes and starts lies below one folder, so that all of it can be found. */
export async function makeScratch(): Promise<string> {
  return realpath(await mkdtemp(path.join(tmpdir(), `sluice-test-${process.pid}-`)))
}

/** Ends the servers and removes the folders of runs that were killed before they could. */
export async function sweepAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const owner = /^sluice-test-(\d+)-/.exec(name)?.[1]
    if (owner === undefined || (await isRunning(Number(owner)))) continue
    await sweep(path.join(realpathSync(tmpdir()), name))
  }
}

/** Ends every server that lies below `scratch`, whoever started it, and removes the folder. */
export async function sweep(scratch: string): Promise<void> {
  await endServers(scratch)
  rmSync(scratch, { recursive: true, force: true, maxRetries: 10 })
}

export async function endServers(scratch: string): Promise<void> {
  for (const { pid, data } of findServers(scratch)) {
    const isOurs = data === null || (await isServerOf(pid, data))
    if (isOurs) endNow(pid, data)
  }
  for (const pid of findChildren(scratch)) signal(-pid, 'SIGKILL')
}

/** The same for the moment of exit, when nothing can be waited for: the servers of this very run only. */
export function sweepAtExit(scratch: string): void {
  for (const { pid, data } of findServers(scratch)) endNow(pid, data)
  for (const pid of findChildren(scratch)) signal(-pid, 'SIGKILL')
  rmSync(scratch, { recursive: true, force: true, maxRetries: 10 })
}

interface FoundServer {
  pid: number
  /** The data directory of a PostgreSQL; null for a Redis. */
  data: string | null
}

function findServers(scratch: string): FoundServer[] {
  return listFolders(scratch).flatMap((folder) => {
    const data = path.join(folder, 'postgres', 'data')
    const postgres = readPid(path.join(data, 'postmaster.pid'))
    const redis = readPid(path.join(folder, 'redis.pid'))
    return [
      ...(postgres === null ? [] : [{ pid: postgres, data }]),
      ...(redis !== null && worksIn(redis, folder) ? [{ pid: redis, data: null }] : []),
    ]
  })
}

/** Leaders of the groups that `launchChildServer` started. */
function findChildren(scratch: string): number[] {
  return listFolders(scratch).flatMap((folder) =>
    listFolders(folder).flatMap((file) => {
      const pid = /^child-\d+\.pid$/.test(path.basename(file)) ? readPid(file) : null
      return pid !== null && worksIn(pid, folder) ? [pid] : []
    }),
  )
}

function listFolders(scratch: string): string[] {
  try {
    return readdirSync(scratch).map((name) => path.join(scratch, name))
  } catch {
    return []
  }
}

function readPid(file: string): number | null {
  try {
    return Number(readFileSync(file, 'utf8').split('\n')[0]) || null
  } catch {
    return null
  }
}

/** The id of a server that was killed may be another program's by now. */
function worksIn(pid: number, folder: string): boolean {
  try {
    const place = readlinkSync(`/proc/${pid}/cwd`)
    return place === folder || place.startsWith(folder + path.sep)
  } catch {
    return false
  }
}

/** PostgreSQL is given the moment it needs to return its shared memory to the system. */
function endNow(pid: number, data: string | null): void {
  signal(pid, data === null ? 'SIGKILL' : 'SIGQUIT')
  const deadline = Date.now() + 3_000
  const nothing = new Int32Array(new SharedArrayBuffer(4))
  while (isThere(pid) && Date.now() < deadline) Atomics.wait(nothing, 0, 0, 20)
  if (isThere(pid)) signal(pid, 'SIGKILL')
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has just ended.
  }
}
