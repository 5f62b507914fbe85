import type { Sql } from '../platform/postgres.ts'

/**
 * Erases what was told, or is still to be told, of these events, or holds one of these texts.
 *
 * @param forms in lower case
 */
export async function eraseContent(
  sql: Sql,
  eventIds: readonly string[],
  forms: readonly string[],
): Promise<void> {
  const holds = (column: string) =>
    sql`EXISTS (SELECT FROM unnest(${[...eventIds, ...forms]}::text[]) sought
                WHERE position(sought IN lower(${sql.unsafe(column)})) > 0)`
  await sql`DELETE FROM alert_messages WHERE content IS NOT NULL AND ${holds('content')}`
  await sql`UPDATE incidents SET sentence = '***' WHERE ${holds('sentence')}`
}
