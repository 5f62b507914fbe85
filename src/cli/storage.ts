import { startEmbeddedPostgres } from '../platform/embedded-postgres.ts'
import type { Log } from '../platform/log.ts'
import { migrate } from '../platform/migrate.ts'
import { checkDurability, connectPostgres, type Sql } from '../platform/postgres.ts'
import type { Settings } from '../platform/settings.ts'

export interface Storage {
  /** For everything but the way in. */
  sql: Sql
  /** One connection for group commits. */
  commitSql: Sql
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
  try {
    await migrate(server.url)
    const sql = connectPostgres(server.url, { connectionsMax: CONNECTIONS_MAX, applicationName: 'sluice' })
    const commitSql = connectPostgres(server.url, { connectionsMax: 1, applicationName: 'sluice commit' })
    await checkDurability(sql)
    return {
      sql,
      commitSql,
      embedded,
      async close() {
        await Promise.all([sql.end({ timeout: 5 }), commitSql.end({ timeout: 5 })])
        await server.close()
      },
    }
  } catch (error) {
    await server.close()
    throw error
  }
}
