import type { Sql } from '../platform/postgres.ts'

export interface Unfinished {
  runs: { id: string; takes: number }[]
  deliveries: { id: string; tries: number; priority: number }[]
}

export interface SweepOptions {
  /** Work that was last put into the queue before this moment counts as lost. */
  queuedBefore: Date
  /** A run under way that gave its last sign of life before this moment counts as lost; default `queuedBefore`. */
  silentBefore?: Date
  limit: number
  /**
   * Nobody else works on this ledger (embedded mode at start): whatever looks taken was left by a process that is
   * gone.
   */
  alone: boolean
}

/**
 * Finds work that was released and lies in no queue: never put there after its commit, or lost with Redis or a worker.
 * What it gives is marked as queued now, so that the next sweep does not give it again at once.
 */
export async function findUnfinished(
  sql: Sql,
  { queuedBefore, silentBefore = queuedBefore, limit, alone }: SweepOptions,
): Promise<Unfinished> {
  const runs = await sql<Unfinished['runs']>`
    UPDATE runs SET queued_at = now() WHERE id IN (
      SELECT id FROM runs WHERE state IN ('queued', 'running', 'retrying') AND queued_at <= ${queuedBefore}
        AND (state <> 'running' OR queued_at <= ${silentBefore})
        AND (due_at IS NULL OR due_at <= now())
      ORDER BY queued_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    RETURNING id, takes`
  const deliveries = await sql<(Unfinished['deliveries'][number] & { batchId: string | null })[]>`
    UPDATE deliveries SET queued_at = now(), lease_until = CASE WHEN ${alone} THEN now() ELSE lease_until END
    WHERE id IN (
      SELECT id FROM deliveries
      WHERE state IN ('queued', 'sending') AND queued_at <= ${queuedBefore}
        AND (state <> 'sending' OR lease_until <= now() OR ${alone})
      ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    RETURNING id, tries, priority, batch_id AS "batchId"`
  return { runs: [...runs], deliveries: onePerBatch(deliveries) }
}

/** Whoever takes one of a batch takes all of it. */
function onePerBatch<Delivery extends { id: string; batchId: string | null }>(
  deliveries: readonly Delivery[],
): Omit<Delivery, 'batchId'>[] {
  const seen = new Set<string>()
  return deliveries.flatMap(({ batchId, ...delivery }) => {
    const key = batchId ?? delivery.id
    if (seen.has(key)) return []
    seen.add(key)
    return [delivery]
  })
}

/** The moment by the clock of the ledger: what it has written down is earlier, whatever clocks other machines have. */
export async function readClock(sql: Sql): Promise<Date> {
  const [row] = await sql<{ now: Date }[]>`SELECT now()`
  return row?.now ?? new Date()
}

/** Age in seconds of the oldest work that is due and unfinished; 0 when there is none. */
export async function oldestWaiting(sql: Sql): Promise<{ runSeconds: number; deliverySeconds: number }> {
  const [row] = await sql<{ runSeconds: number; deliverySeconds: number }[]>`
    SELECT coalesce((SELECT extract(epoch FROM now() - min(queued_at))::float FROM runs
                     WHERE state IN ('queued', 'running')), 0) AS "runSeconds",
           greatest((SELECT extract(epoch FROM now() - min(due_at))::float FROM deliveries WHERE state = 'waiting'),
                    (SELECT extract(epoch FROM now() - min(due_at))::float FROM deliveries
                     WHERE state IN ('queued', 'sending')), 0) AS "deliverySeconds"`
  return row ?? { runSeconds: 0, deliverySeconds: 0 }
}

/** What a journal kept back may come so late and still find the key that it repeats. */
const KEYS_KEPT_SECONDS = 3_600

/**
 * Forgets dedupe keys whose window has been over for an hour; a bounded number at a time, so that no lock is held for
 * long.
 */
export async function dropExpiredKeys(sql: Sql, limit: number): Promise<number> {
  const rows = await sql`
    DELETE FROM dedupe_keys WHERE (integration_id, key) IN (
      SELECT integration_id, key FROM dedupe_keys WHERE expires_at < now() - make_interval(secs => ${KEYS_KEPT_SECONDS})
      LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    RETURNING 1`
  return rows.length
}
