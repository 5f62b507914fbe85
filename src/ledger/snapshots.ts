import type { Sql, Transaction } from '../platform/postgres.ts'
import { openSnapshot, type Snapshot, type Witness, witnessed } from '../platform/witness.ts'

/** What an operator decides about, each as it is told of: where it stands, and nothing of what it carries. */
const SNAPSHOTS = {
  async event(transaction: Transaction, id: string) {
    const [row] = await transaction`
      SELECT application_id, state, reason, latest_run_id AS "latestRunId" FROM events WHERE id = ${id} FOR UPDATE`
    return row && snapshot(id, row)
  },
  async delivery(transaction: Transaction, id: string) {
    const [row] = await transaction`
      SELECT application_id, state, reason, priority, due_at AS "dueAt" FROM deliveries WHERE id = ${id} FOR UPDATE`
    return row && snapshot(id, row)
  },
  async run(transaction: Transaction, id: string) {
    const [row] = await transaction`
      SELECT application_id, state, reason FROM runs WHERE id = ${id} FOR UPDATE`
    return row && snapshot(id, row)
  },
  async deadLetter(transaction: Transaction, id: string) {
    return (await SNAPSHOTS.delivery(transaction, id)) ?? SNAPSHOTS.run(transaction, id)
  },
  async replay(transaction: Transaction, id: string) {
    const [row] = await transaction`
      SELECT application_id, of, filter, definition, per_second AS "perSecond", state, matched
      FROM replays WHERE id = ${id}`
    return row && snapshot(id, { ...row, filter: JSON.parse(row.filter) })
  },
  /** Nothing of what is looked for. */
  async erasure(transaction: Transaction, id: string) {
    const [row] = await transaction`
      SELECT application_id, state, reason, integration_id AS "integrationId", received_from AS "receivedFrom",
             received_before AS "receivedBefore", parts_of_words AS "partsOfWords", matched, unfinished
      FROM erasures WHERE id = ${id} FOR UPDATE`
    return row && snapshot(id, row)
  },
  /** Whoever asks knows whose the destination is. */
  async destination(transaction: Transaction, id: string) {
    const [row] = await transaction`
      SELECT paused_at AS "pausedAt", pause_reason AS "pauseReason" FROM destination_states
      WHERE destination_id = ${id}`
    const { pausedAt = null, pauseReason = null } = row ?? {}
    return openSnapshot(id, null, { pausedAt, pauseReason })
  },
} as const

/**
 * An operator's decision about one thing, in a transaction that the witness is told of. Locks that are taken here come
 * before those of the decision itself, and in the same order.
 */
export async function decide<T>(
  sql: Sql,
  of: keyof typeof SNAPSHOTS,
  id: string,
  witness: Witness | undefined,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const { result } = await sql.begin(async (transaction) => ({
    result: await witnessed(
      { transaction, witness, snapshot: () => SNAPSHOTS[of](transaction, id) },
      () => work(transaction),
      isDone,
    ),
  }))
  return result
}

function isDone(result: unknown): boolean {
  const isRefused = typeof result === 'object' && result !== null && 'refused' in result
  return result !== false && result !== undefined && !isRefused
}

function snapshot(id: string, { application_id, ...plain }: Record<string, unknown>): Snapshot {
  return openSnapshot(id, application_id as string | null, plain)
}
