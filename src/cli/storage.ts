import { startEmbeddedPostgres } from '../platform/embedded-postgres.ts'
import type { Log } from '../platform/log.ts'
import { migrate } from '../platform/migrate.ts'
import { checkDurability, connectPostgres, type Sql } from '../platform/postgres.ts'
import type { Settings } from '../platform/settings.ts'

export interface Storage {
  /** For everything but the way in. */
  sql: Sql
  /** Opens one connection for group commits; the caller closes it. */
  connectCommits(): Sql
  /** PostgreSQL is ours and so is everything in it. */
  embedded: boolean
  close(): Promise<void>
}

const CONNECTIONS_MAX = 16

/** Opens the database of the settings, or the embedded one, at the schema of this version. */
export async function openStorage(
  settings: Settings,
  log: Log,
  onFatal: (sentence: string) => void = () => {},
): Promise<Storage> {
  const embedded = settings.DATABASE_URL === ''
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
  async function close(): Promise<void> {
    await Promise.all(pools.map((pool) => pool.end({ timeout: 5 })))
    await server.close()
  }
  try {
    await migrate(server.url).catch((error: Error) => {
      throw unusableDatabase(error)
    })
    const sql = connect(CONNECTIONS_MAX, 'sluice')
    const connectCommits = () =>
      connectPostgres(server.url, { connectionsMax: 1, applicationName: 'sluice commit', arrays: false })
    await checkDurability(sql)
    return { sql, connectCommits, embedded, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** What an operator is told when the database cannot be used; a defect of ours stays what it is. */
export function unusableDatabase(error: Error): Error {
  const code = 'code' in error ? String(error.code) : ''
  // Names of Node, of postgres.js, and PostgreSQL's classes for a refused connection, login, or right.
  if (!/^(?:E[A-Z]+|CONNECT.*|28...|3D000|42501|53300|57P0.|08...)$/.test(code)) return error
  return new Error(`the PostgreSQL of DATABASE_URL cannot be used: ${error.message}`, { cause: error })
}
