import type { Transaction } from '../platform/postgres.ts'

/** The notification channel on which every change of what is kept in memory is told. */
export const CHANNEL = 'sluice_definitions'

/** Tells every process, once this transaction is committed. */
export async function tellOfChange(transaction: Transaction): Promise<void> {
  await transaction`SELECT pg_notify(${CHANNEL}, '')`
}
