import type { Sql } from '../platform/postgres.ts'

/** That a secret has proven a request. */
export interface SecretUse {
  integrationId: string
  secretId: string
  at: Date
}

/**
 * Writes down when secrets were last used; a later moment that is known already stays. Nobody is told: only operators
 * look. Integrations that are gone are passed over.
 */
export async function noteSecretUses(sql: Sql, uses: readonly SecretUse[]): Promise<void> {
  if (uses.length === 0) return
  const rows = uses.map(({ integrationId, secretId, at }) => ({
    integration_id: integrationId,
    secret_id: secretId,
    at,
  }))
  // Folded and sorted, as every upsert of many rows has to be; the lock keeps a deletion of the integration waiting.
  await sql`
    WITH given AS (
      SELECT integration_id, secret_id, max(at) AS at
      FROM json_to_recordset(${JSON.stringify(rows)}::text::json)
        AS uses(integration_id text, secret_id text, at timestamptz)
      GROUP BY integration_id, secret_id
    ), there AS (
      SELECT id FROM integrations WHERE id IN (SELECT integration_id FROM given) ORDER BY id FOR KEY SHARE
    )
    INSERT INTO secret_uses AS known (integration_id, secret_id, last_used_at)
    SELECT integration_id, secret_id, at FROM given JOIN there ON there.id = given.integration_id
    ORDER BY integration_id, secret_id
    ON CONFLICT (integration_id, secret_id)
      DO UPDATE SET last_used_at = greatest(known.last_used_at, excluded.last_used_at)`
}

/** When the secrets of these integrations were last used, by integration and id of the secret. */
export async function findSecretUses(
  sql: Sql,
  integrationIds: readonly string[],
): Promise<Map<string, Map<string, Date>>> {
  const found = new Map(integrationIds.map((id) => [id, new Map<string, Date>()]))
  if (integrationIds.length === 0) return found
  const rows = await sql<SecretUse[]>`
    SELECT integration_id AS "integrationId", secret_id AS "secretId", last_used_at AS at
    FROM secret_uses WHERE integration_id = ANY(${[...integrationIds]}::text[])`
  for (const { integrationId, secretId, at } of rows) found.get(integrationId)?.set(secretId, at)
  return found
}
