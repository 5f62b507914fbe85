import type { Reader, Sql } from '../platform/postgres.ts'
import type { Witness } from '../platform/witness.ts'
import { type DeadLetterFilter, deadDeliveries, deadRuns } from './dead-letter-list.ts'
import { type EventFilter, eventsWhere } from './event-filter.ts'
import { decide } from './snapshots.ts'
import { type EventState, statesBefore } from './states.ts'

/** What may be replayed at once: what has ended, but for what was never proven. */
export const REPLAYABLE_STATES: readonly EventState[] = statesBefore('event', 'queued').filter(
  (state) => state !== 'quarantined' && state !== 'delivering',
)

/** A filter finds the same for an estimate and for the replay itself. */
export type ReplaySelection =
  | { of: 'dead-letters'; filter: DeadLetterFilter }
  | { of: 'events'; filter: Omit<EventFilter, 'limit' | 'before' | 'state'> & { state: EventState } }

export interface NewReplay {
  id: string
  /** The one application that its filter names. */
  applicationId: string | null
  selection: ReplaySelection
  /** The filter as it was given, to be shown. */
  filter: string
  definition: ReplayDefinition
  perSecond: number
}

/** Whether a run takes the definition and its functions as they are, or as they were at the event's latest run. */
export type ReplayDefinition = 'current' | 'then'

/** A replay of many, worked off by and by. */
export interface ReplayRow {
  id: string
  /** Null where its filter names none. */
  applicationId: string | null
  of: ReplaySelection['of']
  /** JSON text. */
  filter: string
  definition: ReplayDefinition
  perSecond: number
  state: 'running' | 'done' | 'cancelled'
  /** What the filter found when it was made; nothing is added to it afterwards. */
  matched: number
  done: number
  /** What was refused when its turn came. */
  failed: number
  madeAt: Date
  endedAt: Date | null
}

export interface ReplayFailure {
  id: string
  kind: 'delivery' | 'run' | 'event'
  reason: string
}

const REPLAY = `id, application_id AS "applicationId", of, filter, definition, per_second AS "perSecond", state,
  matched, done, failed, uuid_extract_timestamp(id) AS "madeAt", ended_at AS "endedAt"`

/** How much a replay of this selection would take up, counted no further than one above `max`. */
export async function countReplayed(sql: Reader, selection: ReplaySelection, max: number): Promise<number> {
  const [row] = await sql<{ matched: number }[]>`
    SELECT count(*)::int AS matched FROM (${selected(sql, selection, max)}) AS selected`
  return row?.matched ?? 0
}

/**
 * Writes down a replay with all that is to be replayed, in one statement. False when that is more than `max`: then
 * nothing is written.
 */
export async function startReplay(
  sql: Sql,
  replay: NewReplay,
  max: number,
  witness: Witness | undefined,
): Promise<boolean> {
  const { id, applicationId, selection, filter, definition, perSecond } = replay
  return decide(sql, 'replay', id, witness, async (transaction) => {
    const rows = await transaction`
      WITH selected AS MATERIALIZED (${selected(sql, selection, max)}),
      counted AS (SELECT count(*)::int AS matched FROM selected),
      made AS (
        INSERT INTO replays (id, application_id, of, filter, definition, per_second, state, matched, next_at, ended_at)
        SELECT ${id}::uuid, ${applicationId}::uuid, ${selection.of}, ${filter}, ${definition}, ${perSecond}::int,
               CASE WHEN matched = 0 THEN 'done' ELSE 'running' END, matched, now(), CASE WHEN matched = 0 THEN now() END
        FROM counted WHERE matched <= ${max}
        RETURNING id
      ), items AS (
        INSERT INTO replay_items (replay_id, subject_id, kind)
        SELECT made.id, selected.id, selected.kind FROM made, selected
      )
      SELECT id FROM made`
    return rows.length === 1
  })
}

function selected(sql: Reader, { of, filter }: ReplaySelection, max: number) {
  if (of === 'dead-letters') {
    return sql`
      SELECT delivery.id, 'delivery' AS kind FROM ${deadDeliveries(sql, filter)}
      UNION ALL SELECT run.id, 'run' FROM ${deadRuns(sql, filter)} LIMIT ${max + 1}`
  }
  // Without a run an event was never proven: it is in quarantine, or was discarded from there.
  return sql`
    SELECT event.id, 'event' AS kind FROM ${eventsWhere(sql, filter)}
      AND event.state = ANY(${[...REPLAYABLE_STATES]}::text[]) AND event.latest_run_id IS NOT NULL
      AND event.erased_at IS NULL
    LIMIT ${max + 1}`
}

/** Newest first. */
export async function listReplays(
  sql: Sql,
  filter: { applicationId?: string | undefined; before?: string | undefined; limit: number },
): Promise<ReplayRow[]> {
  const { applicationId, before, limit } = filter
  const rows = await sql<ReplayRow[]>`
    SELECT ${sql.unsafe(REPLAY)} FROM replays WHERE true
    ${applicationId === undefined ? sql`` : sql`AND application_id = ${applicationId}`}
    ${before === undefined ? sql`` : sql`AND id < ${before}`}
    ORDER BY id DESC LIMIT ${limit}`
  return [...rows]
}

/** One replay with the first of what was refused. */
export async function findReplay(
  sql: Sql,
  id: string,
  failuresMax: number,
): Promise<(ReplayRow & { failures: ReplayFailure[] }) | undefined> {
  const [replay] = await sql<ReplayRow[]>`SELECT ${sql.unsafe(REPLAY)} FROM replays WHERE id = ${id}`
  if (!replay) return undefined
  const failures = await sql<ReplayFailure[]>`
    SELECT subject_id AS id, kind, refusal AS reason FROM replay_items
    WHERE replay_id = ${id} AND refusal IS NOT NULL ORDER BY subject_id LIMIT ${failuresMax}`
  return { ...replay, failures: [...failures] }
}

/**
 * Ends a replay where it is; once it resolves nothing more of it is done. False when it has ended. What it did stays.
 */
export async function cancelReplay(sql: Sql, id: string, witness: Witness | undefined): Promise<boolean> {
  return decide(sql, 'replay', id, witness, async (transaction) => {
    const rows = await transaction`
      WITH cancelled AS (
        UPDATE replays SET state = 'cancelled', ended_at = now() WHERE id = ${id} AND state = 'running' RETURNING id
      ), dropped AS (
        DELETE FROM replay_items USING cancelled WHERE replay_id = cancelled.id AND refusal IS NULL
      )
      SELECT id FROM cancelled`
    return rows.length === 1
  })
}

/** Forgets replays that ended so long ago. */
export async function dropEndedReplays(sql: Sql, endedBefore: Date): Promise<void> {
  await sql`DELETE FROM replays WHERE ended_at < ${endedBefore}`
}
