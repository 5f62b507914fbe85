import type { Sql } from '../platform/postgres.ts'

/** Tables whose rows belong to an application. */
export type OwnedTable = 'events' | 'runs' | 'deliveries' | 'replays' | 'erasures'

/** The application of a row; undefined where there is none, null for a replay within no one application. */
export async function findApplication(
  sql: Sql,
  table: OwnedTable,
  id: string,
): Promise<string | null | undefined> {
  const [row] = await sql<{ applicationId: string | null }[]>`
    SELECT application_id AS "applicationId" FROM ${sql(table)} WHERE id = ${id}`
  return row?.applicationId
}
