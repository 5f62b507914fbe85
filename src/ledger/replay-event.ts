import type { Sql, Transaction } from '../platform/postgres.ts'
import type { Witness } from '../platform/witness.ts'
import { decide } from './snapshots.ts'
import { statesBefore } from './states.ts'

export interface EventReplay {
  eventId: string
  runId: string
  definitionVersion: number
  /** An earlier run whose functions it takes, in the versions of that time; undefined for those of today. */
  functionsOf?: string | undefined
}

/** {@link replayEventWithin} in a transaction of its own. */
export function replayEvent(sql: Sql, replay: EventReplay, witness: Witness | undefined): Promise<boolean> {
  return decide(sql, 'event', replay.eventId, witness, (transaction) =>
    replayEventWithin(transaction, replay),
  )
}

/** What is in quarantine was never proven: only a release lets it out. */
const REPLAYED_FROM = statesBefore('event', 'queued').filter((state) => state !== 'quarantined')

/**
 * Starts a new run of an event: a replay. The run becomes the one whose end is the event's state. An event that never
 * had a run is not replayed, so that what was discarded from quarantine stays discarded; nor is one whose content was
 * erased.
 */
export async function replayEventWithin(transaction: Transaction, replay: EventReplay): Promise<boolean> {
  const rows = await transaction`
    WITH event AS (
      UPDATE events SET state = 'queued', reason = NULL, latest_run_id = ${replay.runId}
      WHERE id = ${replay.eventId} AND state = ANY(${REPLAYED_FROM}::text[]) AND latest_run_id IS NOT NULL
        AND erased_at IS NULL
      RETURNING id, application_id, integration_id
    )
    INSERT INTO runs (id, event_id, application_id, integration_id, definition_version, function_versions, cause, state,
                      queued_at)
    SELECT ${replay.runId}::uuid, id, application_id, integration_id, ${replay.definitionVersion},
           (SELECT function_versions FROM runs WHERE id = ${replay.functionsOf ?? null}::uuid), 'replay', 'queued', now()
    FROM event RETURNING id`
  return rows.length === 1
}
