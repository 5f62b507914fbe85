import postgres from 'postgres'

export type Sql = postgres.Sql
export type Transaction = postgres.TransactionSql
/** Whatever may be asked: the pool, or the one connection of a transaction. */
export type Reader = Sql | Transaction

export interface PostgresOptions {
  connectionsMax: number
  /** Shown in `pg_stat_activity`. */
  applicationName: string
  /** Whether arrays are read or given as parameters; without them a new connection asks nothing of its own. */
  arrays?: boolean
}

/** A pool that connects when it is first used and again after every loss. */
export function connectPostgres(databaseUrl: string, options: PostgresOptions): Sql {
  return postgres(databaseUrl, {
    max: options.connectionsMax,
    idle_timeout: 60,
    connect_timeout: 5,
    backoff: (tries) => Math.min(0.1 * 2 ** tries, 2),
    fetch_types: options.arrays ?? true,
    connection: { application_name: options.applicationName },
    onnotice: () => {},
  })
}

/**
 * Refuses a database that forgets, because an ack is a promise that survives a power cut, and one that cannot hold
 * every text.
 *
 * @throws Error naming the setting to change.
 */
export async function checkDurability(sql: Sql): Promise<void> {
  const rows = await sql<{ name: string; setting: string }[]>`
    SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'server_encoding')`
  for (const { name, setting } of rows) {
    if (name === 'server_encoding') {
      if (setting !== 'UTF8') throw new Error(`the database is encoded in ${setting}; make one in UTF8`)
    } else if (setting === 'off') {
      throw new Error(`PostgreSQL has ${name} = off: an acknowledged webhook could be lost; set it to on`)
    }
  }
}

/** By which a PostgreSQL is known wherever it is met: the same for its databases, its copies and all its addresses. */
export async function systemIdentifierOf(sql: Sql): Promise<string> {
  const [row] = await sql<{ identity: string }[]>`
    SELECT system_identifier::text AS identity FROM pg_catalog.pg_control_system()`
  return row?.identity ?? ''
}

/**
 * Whether it is worth while to try again: nobody listens there, or is known by that name, or PostgreSQL starts, stops,
 * is full, has no connection left, or is a copy that only reads. Source: appendix A of PostgreSQL's manual.
 */
export function isDatabaseAway(error: NodeJS.ErrnoException): boolean {
  const isUnreachable = error.syscall === 'connect' || error.syscall === 'getaddrinfo'
  return isUnreachable || /^(?:ECONN.*|ETIMEDOUT|CONNECT.*|08...|53...|57P0.|25006)$/.test(String(error.code))
}
