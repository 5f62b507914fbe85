import type { Transaction } from './postgres.ts'

/**
 * Locks a row until the transaction ends, and says whether it still stands as it was seen.
 *
 * @param seen its `xmin::text` when it was read: names the transaction that wrote it, so another after each change
 */
export async function standsAsSeen(
  transaction: Transaction,
  table: string,
  id: string,
  seen: string,
): Promise<boolean> {
  const rows = await transaction`
    SELECT 1 FROM ${transaction(table)} WHERE id = ${id} AND xmin::text = ${seen} FOR UPDATE`
  return rows.length === 1
}
