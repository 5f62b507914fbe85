import type { Sql, Transaction } from '../platform/postgres.ts'
import { redeliverWithin } from './redeliver.ts'
import { replayEventWithin } from './replay-event.ts'
import { REPLAYABLE_STATES, type ReplayDefinition, type ReplayFailure } from './replays.ts'
import type { EventState } from './states.ts'

/** What the ledger must be told about definitions. */
export interface ReplayFacts {
  newId(): string
  /** The current version; undefined when the integration was deleted. */
  versionOf(integrationId: string): number | undefined
  /** Why nothing can be sent there; undefined where something can. */
  refusalOf(destinationId: string): string | undefined
}

interface Claimed {
  id: string
  definition: ReplayDefinition
  perSecond: number
}

type Item = Pick<ReplayFailure, 'id' | 'kind'>
/** A new run has to be put into the queue; a new delivery waits for its turn. */
type Made = { runId: string } | { deliveryId: string } | { refusal: string }

/**
 * Works off one second's share of a replay that is due, oldest first, and gives the new runs. Undefined
 * when none is due.
 *
 * Each piece is a transaction of its own, so that whatever ends this process leaves it done and counted, or neither.
 * Nobody waits for it to be durable: what a crash of the database takes back is taken up again, and the commit that
 * takes new work makes the work's own durable too.
 */
export async function workOffReplay(
  sql: Sql,
  facts: ReplayFacts,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  const claimed = await claimReplay(sql)
  if (!claimed) return undefined
  const runIds: string[] = []
  for (let count = 0; count < claimed.perSecond && !signal.aborted; count += 1) {
    const made = await sql.begin((transaction) => replayNext(transaction, claimed, facts))
    if (!made) break
    if ('runId' in made) runIds.push(made.runId)
  }
  return runIds
}

/** Dated on from the time it was due, so that a clock that comes a little late does not lose a second. */
async function claimReplay(sql: Sql): Promise<Claimed | undefined> {
  const [claimed] = await sql<Claimed[]>`
    UPDATE replays SET next_at = greatest(next_at, now() - interval '1 second') + interval '1 second'
    WHERE id = (SELECT id FROM replays WHERE state = 'running' AND next_at <= now()
                ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, definition, per_second AS "perSecond"`
  return claimed
}

/** The lock on the replay makes those who work on it, and who cancels it, come one after the other. */
async function replayNext(
  transaction: Transaction,
  replay: Claimed,
  facts: ReplayFacts,
): Promise<Made | undefined> {
  const { id } = replay
  // Sent together, and done one after the other: the item is looked for when the lock is had.
  const [, [open], [item]] = await Promise.all([
    transaction`SET LOCAL synchronous_commit = off`,
    transaction`SELECT id FROM replays WHERE id = ${id} AND state = 'running' FOR UPDATE`,
    transaction<Item[]>`
      SELECT subject_id AS id, kind FROM replay_items WHERE replay_id = ${id} AND refusal IS NULL
      ORDER BY subject_id LIMIT 1`,
  ])
  if (!open) return undefined
  if (!item) {
    await transaction`UPDATE replays SET state = 'done', ended_at = now() WHERE id = ${id}`
    return undefined
  }
  const made = await replayItem(transaction, item, replay.definition, facts)
  if ('refusal' in made) {
    await transaction`
      WITH refused AS (
        UPDATE replay_items SET refusal = ${made.refusal} WHERE replay_id = ${id} AND subject_id = ${item.id}
      )
      UPDATE replays SET failed = failed + 1 WHERE id = ${id}`
    return made
  }
  await transaction`
    WITH dealt_with AS (DELETE FROM replay_items WHERE replay_id = ${id} AND subject_id = ${item.id})
    UPDATE replays SET done = done + 1 WHERE id = ${id}`
  return made
}

function replayItem(
  transaction: Transaction,
  item: Item,
  definition: ReplayDefinition,
  facts: ReplayFacts,
): Promise<Made> {
  return item.kind === 'delivery'
    ? replayDelivery(transaction, item.id, facts)
    : replayRun(transaction, item, definition, facts)
}

async function replayDelivery(
  transaction: Transaction,
  deliveryId: string,
  { newId, refusalOf }: ReplayFacts,
): Promise<Made> {
  const [row] = await transaction<{ destinationId: string }[]>`
    SELECT destination_id AS "destinationId" FROM deliveries WHERE id = ${deliveryId}`
  if (!row) return { refusal: 'it is no longer there' }
  const refusal = refusalOf(row.destinationId)
  if (refusal !== undefined) return { refusal }
  const newDeliveryId = newId()
  const redelivery = { deliveryId, newDeliveryId, item: null, from: ['dead'] as const }
  const decided = await redeliverWithin(transaction, redelivery)
  if (!decided) return { refusal: 'it is no longer there' }
  if ('refused' in decided) return { refusal: `it is "${decided.refused}" by now` }
  return { deliveryId: newDeliveryId }
}

/** Of an event, or of the event of a run that died. */
async function replayRun(
  transaction: Transaction,
  { id, kind }: Item,
  definition: ReplayDefinition,
  { newId, versionOf }: ReplayFacts,
): Promise<Made> {
  const [row] = await transaction<
    {
      eventId: string
      state: EventState
      integrationId: string
      runId: string
      version: number
      latestRunId: string
    }[]
  >`
    SELECT event.id AS "eventId", event.state, event.integration_id AS "integrationId", run.id AS "runId",
           run.definition_version AS version, event.latest_run_id AS "latestRunId"
    FROM events event JOIN runs run ON ${kind === 'run' ? transaction`run.event_id = event.id` : transaction`run.id = event.latest_run_id`}
    WHERE ${kind === 'run' ? transaction`run.id = ${id}` : transaction`event.id = ${id}`} FOR UPDATE OF event`
  if (!row) return { refusal: 'it is no longer there' }
  const current = versionOf(row.integrationId)
  if (current === undefined) return { refusal: 'its integration was deleted' }
  if (row.latestRunId !== row.runId) return { refusal: 'its event was replayed meanwhile' }
  if (!(kind === 'run' ? ['dead'] : REPLAYABLE_STATES).includes(row.state))
    return { refusal: `it is "${row.state}" by now` }
  const runId = newId()
  const nodes =
    definition === 'then'
      ? { definitionVersion: row.version, functionsOf: row.runId }
      : { definitionVersion: current }
  if (!(await replayEventWithin(transaction, { eventId: row.eventId, runId, ...nodes })))
    return { refusal: `it is "${row.state}" by now` }
  return { runId }
}
