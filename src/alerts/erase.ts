import type { SoughtText } from '../payload/sought-text.ts'
import type { Sql } from '../platform/postgres.ts'

/** Erases what was told, or is still to be told, of these events, or holds this text. */
export async function eraseContent(
  sql: Sql,
  eventIds: readonly string[],
  { pattern, isIn }: SoughtText,
): Promise<void> {
  const held = async (table: string, column: string) => {
    const rows = await sql<{ id: string; text: string; isTold: boolean }[]>`
      SELECT * FROM (
        SELECT id, ${sql(column)} AS text,
               EXISTS (SELECT FROM unnest(${[...eventIds]}::text[]) event_id
                       WHERE position(event_id IN ${sql(column)}) > 0) AS "isTold"
        FROM ${sql(table)} WHERE ${sql(column)} IS NOT NULL) told
      WHERE "isTold" OR text COLLATE "C" ~* ${pattern}`
    return rows.filter(({ text, isTold }) => isTold || isIn(text)).map(({ id }) => id)
  }
  await sql`DELETE FROM alert_messages WHERE id = ANY(${await held('alert_messages', 'content')}::uuid[])`
  await sql`UPDATE incidents SET sentence = '***' WHERE id = ANY(${await held('incidents', 'sentence')}::uuid[])`
}
