import type { Sql } from '../platform/postgres.ts'
import type { Witness } from '../platform/witness.ts'
import { decide } from './snapshots.ts'

/** How a destination stands, beside what its definition says. */
export interface DestinationState {
  destinationId: string
  pausedAt: Date | null
  pauseReason: string | null
  /** `probing` while one delivery is on its way to find out whether an open circuit may close. */
  circuit: 'closed' | 'open' | 'probing'
  openedAt: Date | null
  openReason: string | null
  /** When the next probe may go. */
  probeAt: Date | null
}

/** Lets nothing more go to a destination; what is being sent at this moment ends as it does. */
export async function pauseDestination(
  sql: Sql,
  destinationId: string,
  reason: string,
  witness: Witness | undefined,
): Promise<void> {
  await decide(sql, 'destination', destinationId, witness, async (transaction) => {
    await transaction`
      WITH paused AS (
        INSERT INTO destination_states (destination_id, paused_at, pause_reason)
        VALUES (${destinationId}, now(), ${reason})
        ON CONFLICT (destination_id) DO UPDATE SET paused_at = now(), pause_reason = EXCLUDED.pause_reason
      )
      UPDATE deliveries SET state = 'waiting' WHERE state = 'queued' AND id IN (
        SELECT id FROM deliveries WHERE destination_id = ${destinationId} AND state = 'queued' ORDER BY id FOR UPDATE)`
    return true
  })
}

/** False when it was not paused. */
export async function resumeDestination(
  sql: Sql,
  destinationId: string,
  witness: Witness | undefined,
): Promise<boolean> {
  return decide(sql, 'destination', destinationId, witness, async (transaction) => {
    const rows = await transaction`
      UPDATE destination_states SET paused_at = NULL, pause_reason = NULL
      WHERE destination_id = ${destinationId} AND paused_at IS NOT NULL RETURNING 1`
    return rows.length === 1
  })
}

/** Nothing is held back from what was deleted: what waits for it goes, and ends. */
export async function forgetDestinationState(sql: Sql, destinationId: string): Promise<void> {
  await sql`DELETE FROM destination_states WHERE destination_id = ${destinationId}`
}

/** The destinations that are paused or whose circuit is not closed; all others stand as they should. */
export async function findDestinationStates(sql: Sql): Promise<DestinationState[]> {
  const rows = await sql<DestinationState[]>`
    SELECT destination_id AS "destinationId", paused_at AS "pausedAt", pause_reason AS "pauseReason",
           CASE WHEN opened_at IS NULL THEN 'closed' WHEN probe_delivery_id IS NULL THEN 'open' ELSE 'probing' END AS circuit,
           opened_at AS "openedAt", open_reason AS "openReason", probe_at AS "probeAt"
    FROM destination_states WHERE paused_at IS NOT NULL OR opened_at IS NOT NULL`
  return [...rows]
}
