import type { Sql } from '../platform/postgres.ts'

/** When each of these integrations last received an event that was not held in quarantine; absent when never. */
export async function findLastHeard(sql: Sql, integrationIds: readonly string[]): Promise<Map<string, Date>> {
  const rows = await sql<{ id: string; receivedAt: Date }[]>`
    SELECT asked.id, latest.received_at AS "receivedAt" FROM unnest(${[...integrationIds]}::text[]) asked(id)
    CROSS JOIN LATERAL (
      SELECT received_at FROM events WHERE integration_id = asked.id
        AND (latest_run_id IS NOT NULL OR duplicate_of IS NOT NULL)
      ORDER BY id DESC LIMIT 1) AS latest`
  return new Map(rows.map(({ id, receivedAt }) => [id, receivedAt]))
}
