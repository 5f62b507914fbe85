import { createKeys } from '../admin/admin.ts'
import { migrate } from '../platform/migrate.ts'
import { connectPostgres } from '../platform/postgres.ts'

/** Makes an API key in a database, which is brought to the schema of this version first. */
export async function createKey(databaseUrl: string, name: string): Promise<string> {
  await migrate(databaseUrl)
  const sql = connectPostgres(databaseUrl, { connectionsMax: 1, applicationName: 'sluice create-key' })
  try {
    return await createKeys(sql, '').create(name)
  } finally {
    await sql.end({ timeout: 5 })
  }
}
