import postgres from 'postgres'

export type Sql = postgres.Sql
export type Transaction = postgres.TransactionSql

export interface PostgresOptions {
  connectionsMax: number
  /** Shown in `pg_stat_activity`. */
  applicationName: string
}

/** A pool that connects when it is first used and again after every loss. */
export function connectPostgres(databaseUrl: string, options: PostgresOptions): Sql {
  return postgres(databaseUrl, {
    max: options.connectionsMax,
    idle_timeout: 60,
    connect_timeout: 5,
    backoff: (tries) => Math.min(0.1 * 2 ** tries, 2),
    connection: { application_name: options.applicationName },
    onnotice: () => {},
  })
}

/**
 * Refuses a database that forgets: an ack is a promise that survives a power cut.
 *
 * @throws Error naming the setting to change.
 */
export async function checkDurability(sql: Sql): Promise<void> {
  const rows = await sql<{ name: string; setting: string }[]>`
    SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')`
  for (const { name, setting } of rows) {
    if (setting === 'off') {
      throw new Error(`PostgreSQL has ${name} = off: an acknowledged webhook could be lost; set it to on`)
    }
  }
}
