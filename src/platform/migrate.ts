import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { connectPostgres, type Sql } from './postgres.ts'
import { VERSION } from './version.ts'

const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url))

/** Any number; it only has to be the same in every process that migrates. */
const MIGRATION_LOCK = 7_583_021

/** Statements say what a row was and what it became (`RETURNING old`, `new`), which is new in PostgreSQL 18. */
const POSTGRES_MAJOR_MIN = 18

/**
 * Brings the database to the schema of this version. Processes that start together take turns.
 *
 * @throws Error with a sentence for a PostgreSQL that is too old, or a database that a newer Sluice has changed: what is
 * kept there, and what it promises about it, is not known here.
 */
export async function migrate(databaseUrl: string): Promise<void> {
  const sql = connectPostgres(databaseUrl, { connectionsMax: 1, applicationName: 'sluice migrate' })
  try {
    await checkVersion(sql)
    await sql`SELECT pg_advisory_lock(${MIGRATION_LOCK})`
    const [applied, ours] = [await lastApplied(sql), await lastOfOurs()]
    if (applied > ours)
      throw new Error(
        `the database was brought to the schema of a newer Sluice, and this is ${VERSION}: start that one or a later one`,
      )
    if (applied === ours) return
    // Loaded only when there is something to do: its import takes a third of a start.
    const { drizzle } = await import('drizzle-orm/postgres-js')
    const { migrate: applyMigrations } = await import('drizzle-orm/postgres-js/migrator')
    await applyMigrations(drizzle(sql), { migrationsFolder: MIGRATIONS_FOLDER }).catch((error: Error) => {
      // Around what PostgreSQL said, drizzle says only which statement it was.
      throw error.cause ?? error
    })
  } finally {
    await sql.end({ timeout: 5 })
  }
}

async function checkVersion(sql: Sql): Promise<void> {
  const [found] = await sql<{ number: number; name: string }[]>`
    SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS name`
  if (found && found.number < POSTGRES_MAJOR_MIN * 10_000)
    throw new Error(
      `this is PostgreSQL ${found.name}, and Sluice needs PostgreSQL ${POSTGRES_MAJOR_MIN} or later`,
    )
}

/** By drizzle's own measure, the time of a migration; 0 where there was none. */
async function lastApplied(sql: Sql): Promise<number> {
  const [found] = await sql`SELECT to_regclass('drizzle.__drizzle_migrations') IS NOT NULL AS is_there`
  if (!found?.is_there) return 0
  const [last] = await sql`SELECT max(created_at) AS at FROM drizzle.__drizzle_migrations`
  return Number(last?.at)
}

async function lastOfOurs(): Promise<number> {
  const journal = JSON.parse(await readFile(`${MIGRATIONS_FOLDER}/meta/_journal.json`, 'utf8')) as Journal
  return Math.max(...journal.entries.map(({ when }) => when))
}

/** What drizzle-kit writes beside the migrations. */
interface Journal {
  entries: { when: number }[]
}
