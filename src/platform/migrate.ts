import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator'
import { connectPostgres } from './postgres.ts'

const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url))

/** Any number; it only has to be the same in every process that migrates. */
const MIGRATION_LOCK = 7_583_021

/** Brings the database to the schema of this version. Processes that start together take turns. */
export async function migrate(databaseUrl: string): Promise<void> {
  const sql = connectPostgres(databaseUrl, { connectionsMax: 1, applicationName: 'sluice migrate' })
  try {
    await sql`SELECT pg_advisory_lock(${MIGRATION_LOCK})`
    await applyMigrations(drizzle(sql), { migrationsFolder: MIGRATIONS_FOLDER })
  } finally {
    await sql.end({ timeout: 5 })
  }
}
