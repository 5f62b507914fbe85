import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile, stat, truncate } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { Place } from './cluster.ts'
import { readLockFile } from './lock-file.ts'
import { giveTo } from './ownership.ts'
import { isServerOf } from './process-table.ts'
import { programEnvironment } from './runner.ts'

export type Launch = { pid: number } | { failure: string; cause: 'port taken' | 'data in use' | 'other' }

/** What the operator must not lose on: also said on the command line, where no file in the data overrules it. */
const DURABILITY = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' }

/**
 * Making a new segment of the write-ahead log takes a commit some 50 ms, taking up an old one nothing; so old ones are
 * kept for a rush of events after a quiet time.
 */
const LOG_SPACE = { min_wal_size: '512MB' }

const LOG_BYTES_MAX = 4 * 1024 * 1024
const POLL_MS = 20
/** Recovery after a crash reads up to `max_wal_size` (1 GB) of log, on a slow disk. */
export const READY_WAIT_MS = 300_000

/** Starts the server of the cluster on 127.0.0.1 only and waits until it accepts connections. */
export async function launchPostmaster(
  place: Place,
  port: number,
  settings: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Launch> {
  if (place.runner.owner) await giveTo(place.data, place.runner.owner)
  const logBytes = await boundLog(place.logFile)
  const child = await spawnPostmaster(place, port, settings)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, killedBy) => resolve(`it ended with ${killedBy ?? code}`))
  })
  const decided = new AbortController()
  const patience = AbortSignal.any([decided.signal, ...(signal ? [signal] : [])])
  const outcome = await Promise.race([ended, untilReady(place.data, child.pid, patience)])
  decided.abort()
  if (outcome === 'ready' && child.pid !== undefined) return { pid: child.pid }
  if (child.exitCode === null && child.pid !== undefined) await stopPostmaster(place.data, child.pid)
  return explain(outcome, await logSince(place.logFile, logBytes))
}

/**
 * Stops the server: open sessions are ended and everything is written down; if that takes longer than `patienceMs`, the
 * server is cut off, which costs a recovery at the next start and no data.
 *
 * @returns whether it is gone.
 */
export async function stopPostmaster(data: string, pid: number, patienceMs = 30_000): Promise<boolean> {
  for (const [signal, waitMs] of [
    ['SIGINT', patienceMs],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 2_000],
  ] as const) {
    if (!(await isServerOf(pid, data))) return true
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    if (await untilGone(data, pid, waitMs)) return true
  }
  return false
}

export async function untilGone(data: string, pid: number, waitMs: number): Promise<boolean> {
  const deadline = Date.now() + waitMs
  while (await isServerOf(pid, data)) {
    if (Date.now() > deadline) return false
    await wait(POLL_MS)
  }
  return true
}

async function untilReady(data: string, pid: number | undefined, patience: AbortSignal): Promise<string> {
  const deadline = Date.now() + READY_WAIT_MS
  while (Date.now() < deadline && !patience.aborted) {
    const running = await readLockFile(data)
    if (running?.pid === pid && running?.isReady) return 'ready'
    await wait(POLL_MS)
  }
  return `it was not ready within ${READY_WAIT_MS / 1_000} s`
}

/** What the last run wrote stays readable after a crash, unless it is long. */
async function boundLog(file: string): Promise<number> {
  const bytes = (await stat(file).catch(() => null))?.size ?? 0
  if (bytes <= LOG_BYTES_MAX) return bytes
  await truncate(file, 0)
  return 0
}

async function spawnPostmaster(
  place: Place,
  port: number,
  settings: Record<string, string>,
): Promise<ChildProcess> {
  const given = {
    ...LOG_SPACE,
    ...settings,
    ...DURABILITY,
    listen_addresses: '127.0.0.1',
    port: String(port),
    // A socket's path may have about a hundred bytes only, and the home folder's may have more.
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    logging_collector: 'off',
  }
  const [command = '', ...args] = [
    ...place.runner.prefix,
    place.binaries.postgres,
    ...['-D', place.data],
    ...Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const log = await open(place.logFile, 'a', 0o600)
  try {
    const child = spawn(command, args, {
      cwd: '/',
      env: programEnvironment(place.searchPath),
      // In a process group of its own: Ctrl-C in the terminal must not stop it before Sluice has drained.
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    })
    child.unref()
    return child
  } finally {
    await log.close()
  }
}

async function logSince(file: string, offset: number): Promise<string> {
  const text = await readFile(file).catch(() => Buffer.alloc(0))
  return text.subarray(offset).toString('utf8')
}

function explain(outcome: string, log: string): Launch {
  if (/could not bind|Address already in use/i.test(log)) return { failure: outcome, cause: 'port taken' }
  if (/lock file "postmaster.pid" (?:already exists|is empty)|pre-existing shared memory block/.test(log)) {
    return { failure: outcome, cause: 'data in use' }
  }
  const said = log
    .split('\n')
    .filter((line) => /FATAL|PANIC|error/i.test(line))
    .slice(-3)
    .join(' ')
  return { failure: said === '' ? outcome : `${outcome}: ${said}`, cause: 'other' }
}
