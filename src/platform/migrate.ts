import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { connectPostgres, type Sql } from './postgres.ts'

const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url))

/** Any number; it only has to be the same in every process that migrates. */
const MIGRATION_LOCK = 7_583_021

/** Brings the database to the schema of this version. Processes that start together take turns. */
export async function migrate(databaseUrl: string): Promise<void> {
  const sql = connectPostgres(databaseUrl, { connectionsMax: 1, applicationName: 'sluice migrate' })
  try {
    await sql`SELECT pg_advisory_lock(${MIGRATION_LOCK})`
    if (await isUpToDate(sql)) return
    // Loaded only when there is something to do: its import takes a third of a start.
    const { drizzle } = await import('drizzle-orm/postgres-js')
    const { migrate: applyMigrations } = await import('drizzle-orm/postgres-js/migrator')
    await applyMigrations(drizzle(sql), { migrationsFolder: MIGRATIONS_FOLDER })
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** By drizzle's own measure: the time of the last migration that was applied. */
async function isUpToDate(sql: Sql): Promise<boolean> {
  const [found] = await sql`SELECT to_regclass('drizzle.__drizzle_migrations') IS NOT NULL AS is_there`
  if (!found?.is_there) return false
  const [last] = await sql`SELECT max(created_at) AS at FROM drizzle.__drizzle_migrations`
  const journal = JSON.parse(await readFile(`${MIGRATIONS_FOLDER}/meta/_journal.json`, 'utf8')) as Journal
  return Number(last?.at) >= Math.max(...journal.entries.map(({ when }) => when))
}

/** What drizzle-kit writes beside the migrations. */
interface Journal {
  entries: { when: number }[]
}
