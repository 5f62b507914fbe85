import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startEmbeddedPostgres } from '../platform/embedded-postgres.ts'
import type { Log } from '../platform/log.ts'
import { migrate } from '../platform/migrate.ts'
import { checkDurability, connectPostgres, isDatabaseAway, type Sql } from '../platform/postgres.ts'
import type { Settings } from '../platform/settings.ts'
import type { Role } from './door.ts'

export interface Storage {
  /** For everything but the way in. */
  sql: Sql
  /** Opens one connection for group commits; the caller closes it. */
  connectCommits(): Sql
  /** PostgreSQL is ours and so is everything in it. */
  embedded: boolean
  /**
   * Undefined when the database is at the schema of this version, as it mostly is from the start. Else resolves when it
   * has come, and never rejects: with a database that cannot be used this process ends.
   */
  arrived: Promise<void> | undefined
  /** With which copy of the definitions this process can begin while the database is away; undefined if with none. */
  copyFile: string | undefined
  /** From now on whatever is asked fails after so long, also where a database that hangs would never answer. */
  giveUpIn(ms: number): void
  close(): Promise<void>
}

export interface StorageOptions {
  role: Role
  log: Log
  onFatal(sentence: string): void
}

/**
 * Opens the database of the settings, or the embedded one, at the schema of this version; or, where that may be, waits
 * for it in the background.
 */
export async function openStorage(
  settings: Settings,
  { role, log, onFatal }: StorageOptions,
): Promise<Storage> {
  const embedded = settings.DATABASE_URL === ''
  const copyFile = keepsCopy(settings, role) ? path.join(settings.SLUICE_HOME, 'definitions.json') : undefined
  const server = embedded
    ? await startEmbeddedPostgres({
        home: settings.SLUICE_HOME,
        log,
        onLost: (loss) => {
          if (loss.isFinal) onFatal(loss.sentence)
        },
      })
    : { url: settings.DATABASE_URL, close: async () => {} }
  const pools: Sql[] = []
  const connect = (connectionsMax: number, applicationName: string) => {
    const pool = connectPostgres(server.url, { connectionsMax, applicationName })
    pools.push(pool)
    return pool
  }
  const sql = connect(settings.DATABASE_CONNECTIONS_MAX, 'sluice')
  const closing = new AbortController()
  async function prepare(): Promise<void> {
    await migrate(server.url)
    await checkDurability(sql)
  }
  async function close(): Promise<void> {
    closing.abort()
    await Promise.all(pools.map((pool) => pool.end({ timeout: 5 })))
    await server.close()
  }
  try {
    const absence = await prepare().catch((error: Error) => {
      if (copyFile !== undefined && existsSync(copyFile) && isDatabaseAway(error)) return error
      throw unusableDatabase(error)
    })
    if (absence) log.warn({ err: absence }, 'PostgreSQL is away: starting without it')
    return {
      sql,
      connectCommits: () =>
        connectPostgres(server.url, { connectionsMax: 1, applicationName: 'sluice commit', arrays: false }),
      embedded,
      copyFile,
      arrived: absence ? awaitArrival(prepare, { log, onFatal, signal: closing.signal }) : undefined,
      giveUpIn: (ms) => void setTimeout(() => pools.map((pool) => pool.end({ timeout: 0 })), ms).unref(),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Who can keep requests without a database can also begin without it; our own begins with us. */
function keepsCopy({ DATABASE_URL, JOURNAL_BYTES_MAX }: Settings, role: Role): boolean {
  return DATABASE_URL !== '' && JOURNAL_BYTES_MAX > 0 && role !== 'worker'
}

const ARRIVAL_PAUSE_MS_MAX = 5_000

/** Resolves when the database is there and as it has to be. */
async function awaitArrival(
  prepare: () => Promise<void>,
  { log, onFatal, signal }: Pick<StorageOptions, 'log' | 'onFatal'> & { signal: AbortSignal },
): Promise<void> {
  for (let pauseMs = 500; ; pauseMs = Math.min(2 * pauseMs, ARRIVAL_PAUSE_MS_MAX)) {
    await pause(pauseMs, undefined, { signal }).catch(never)
    try {
      await prepare()
      log.info('PostgreSQL is there')
      return
    } catch (error) {
      if (signal.aborted) return never()
      if (isDatabaseAway(error as Error)) continue
      onFatal(unusableDatabase(error as Error).message)
      return never()
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => {})
}

/** What an operator is told when the database cannot be used; a defect of ours stays what it is. */
export function unusableDatabase(error: Error): Error {
  const code = 'code' in error ? String(error.code) : ''
  // Names of Node, of postgres.js, and PostgreSQL's classes for a refused connection, login, or right.
  if (!/^(?:E[A-Z]+|CONNECT.*|28...|3D000|42501|53300|57P0.|08...)$/.test(code)) return error
  return new Error(`the PostgreSQL of DATABASE_URL cannot be used: ${error.message}`, { cause: error })
}
