import type { Sql } from '../platform/postgres.ts'
import type { Identity } from '../sources/sources.ts'
import { IDENTITY_COLUMNS, type IdentityColumns, withIdentity } from './identity.ts'
import { type NodeResult, resultRows, writeResults } from './node-results.ts'
import { type RunAnswer, tellRunEnd } from './run-ends.ts'
import { type RunState, statesBefore } from './states.ts'
import { storableText } from './storable-text.ts'

/** A run that a worker has taken, with the event it carries. */
export interface TakenRun {
  id: string
  eventId: string
  requestId: string
  applicationId: string
  integrationId: string
  definitionVersion: number
  /** Name → version of the rewrite functions, once a first take has fixed them. */
  functionVersions: Record<string, string> | null
  cause: string
  /** How often it was taken, this time included. */
  takes: number
  /** How often it failed and was put aside to be made again. */
  retries: number
  /** How often its worker was stopped in order, and left it to another. */
  stops: number
  receivedAt: Date
  /** What the sending system calls the event. */
  source: Identity
  /** Exact JSON text. */
  payload: string
  /** What is shown in its place, where fields of it are redacted; exact JSON text. */
  shown: string | null
  request: {
    method: string
    path: string
    headers: [name: string, value: string][]
    sourceIp: string
    contentType: string | null
  }
}

export interface NewDelivery {
  id: string
  destinationId: string
  nodeId: string
  position: number
  /** Exact JSON text of what is to be sent. */
  item: string
  /** What is shown of the item, and what must not be shown of it, where fields of its event are redacted. */
  redacted?: { shown: string; hidden: string }
  /** Without it the delivery goes straight into the queue. */
  turn?: Turn
}

/** When a new delivery may go. */
export interface Turn {
  /** `queued` is released at once, `waiting` when the ledger lets it go, `delayed` is not due yet. */
  state: 'delayed' | 'waiting' | 'queued'
  /** 0 goes first, 9 last. */
  priority: number
  delayMs: number
  /** Of the deliveries to a destination with one key, the next goes when the one before it has ended. */
  orderKey: string | null
  /** One that died holds those behind it until it is replayed or discarded. */
  holdsOnDead: boolean
  /** Of the deliveries to a destination with one key that have not been sent, only the newest is. */
  uniqueKey: string | null
}

/** The payload of an event: its own text, or the body of its request (recorded only when that is valid UTF-8). */
export const PAYLOAD_OF_EVENT = `coalesce(event.payload, convert_from(request.body, 'UTF8'))`
/** What people are shown of it, and may look for in it. */
export const SHOWN_OF_EVENT = `coalesce(event.shown, event.payload, convert_from(request.body, 'UTF8'))`

const TAKE = `
UPDATE runs SET state = 'running', takes = takes + 1, queued_at = now(), due_at = NULL,
       started_at = coalesce(started_at, now())
WHERE id = $1 AND state = ANY($2::text[]) AND takes BETWEEN $3::int AND $4::int
RETURNING id, event_id AS "eventId", application_id AS "applicationId", integration_id AS "integrationId",
          definition_version AS "definitionVersion", function_versions AS "functionVersions", cause, takes, retries,
          stops`

const EVENT = `
SELECT event.request_id AS "requestId", event.received_at AS "receivedAt", event.payload, event.shown, ${IDENTITY_COLUMNS}
FROM events event WHERE event.id = $1`

const REQUEST = `
SELECT method, path, headers, source_ip AS "sourceIp", content_type AS "contentType",
       CASE WHEN $2::boolean THEN convert_from(body, 'UTF8') END AS body
FROM requests WHERE id = $1`

/** How often a run has been taken, at least and at most. */
export interface TakesBefore {
  least: number
  most: number
}

const ANY_TAKES: TakesBefore = { least: 0, most: 2 ** 31 - 1 }

/**
 * Takes a run; nothing when it is finished or gone, or was taken more or less often: one run may stand in the queue
 * twice, and in two queues.
 *
 * Event and request are asked for by their ids: a join has every partition that there is opened and planned.
 */
export async function takeRun(
  sql: Sql,
  runId: string,
  takesBefore: TakesBefore = ANY_TAKES,
): Promise<TakenRun | undefined> {
  const [run] = await sql.unsafe<RunRow[]>(
    TAKE,
    [runId, statesBefore('run', 'running'), takesBefore.least, takesBefore.most],
    { prepare: true },
  )
  if (!run) return undefined
  const [event] = await sql.unsafe<EventRow[]>(EVENT, [run.eventId], { prepare: true })
  if (!event) return undefined
  const [request] = await sql.unsafe<RequestRow[]>(REQUEST, [event.requestId, event.payload === null], {
    prepare: true,
  })
  if (!request) return undefined
  const { body, headers, ...carrier } = request
  return {
    ...run,
    ...withIdentity(event),
    payload: event.payload ?? body ?? '',
    functionVersions: run.functionVersions === null ? null : JSON.parse(run.functionVersions),
    request: { ...carrier, headers: JSON.parse(headers) },
  }
}

type RunRow = Pick<
  TakenRun,
  | 'id'
  | 'eventId'
  | 'applicationId'
  | 'integrationId'
  | 'definitionVersion'
  | 'cause'
  | 'takes'
  | 'retries'
  | 'stops'
> & { functionVersions: string | null }

type EventRow = Pick<TakenRun, 'requestId' | 'receivedAt' | 'shown'> &
  IdentityColumns & { payload: string | null }

/** The body where it is the payload. */
type RequestRow = Omit<TakenRun['request'], 'headers'> & { headers: string; body: string | null }

/** Fixes the versions that this run uses, so that a second take after a crash uses the same. */
export async function fixFunctionVersions(
  sql: Sql,
  runId: string,
  versions: Record<string, string>,
): Promise<void> {
  await sql`UPDATE runs SET function_versions = ${JSON.stringify(versions)} WHERE id = ${runId}`
}

/** What a walk through the nodes may end in; `delivered` and `superseded` are for the last delivery to say. */
export type RunEnd = Exclude<RunState, 'queued' | 'running' | 'delivered' | 'superseded'>

const FINISH = `
WITH finished AS (
  UPDATE runs SET state = $2, reason = $3, deliveries_open = $4, answer = $8,
         ended_at = CASE WHEN $2 = 'delivering' THEN NULL ELSE now() END
  WHERE id = $1 AND takes = $11 AND state = 'running' AND state = ANY($5::text[])
  RETURNING id, event_id, application_id, integration_id, retries
), event_moved AS (
  UPDATE events SET state = $2 FROM finished
  WHERE events.id = $10::uuid AND events.id = finished.event_id AND events.latest_run_id = finished.id
), ${writeResults('finished', '$6')}, ${tellRunEnd('finished', '$9')}, made AS (
  INSERT INTO deliveries (id, run_id, event_id, application_id, integration_id, destination_id, node_id, position,
                          item, shown, hidden, state, priority, order_key, holds_on_dead, unique_key, due_at, queued_at)
  SELECT given.id, finished.id, finished.event_id, finished.application_id, finished.integration_id,
         given.destination_id, given.node_id, given.position, given.item, given.shown, given.hidden, given.state, given.priority,
         given.order_key, given.holds_on_dead, given.unique_key,
         now() + make_interval(secs => given.delay_ms / 1000.0), now()
  FROM finished, json_to_recordset($7::text::json) AS given(
    id uuid, destination_id uuid, node_id text, position int, item text, shown text, hidden text, state text, priority smallint,
    delay_ms bigint, order_key text, holds_on_dead boolean, unique_key text)
)
SELECT finished.id FROM finished LEFT JOIN told ON true`

/**
 * Commits what a run did and the deliveries it made, in one statement. False when another worker took it since, or had
 * finished it: then nothing is written, and the deliveries do not exist.
 *
 * @param run as it was taken: the id of its event says in which partition that lies
 */
export async function finishRun(
  sql: Sql,
  run: Pick<TakenRun, 'id' | 'eventId' | 'takes'>,
  end: {
    state: RunEnd
    reason: string | null
    results: NodeResult[]
    deliveries: NewDelivery[]
    /** Set when a sender may wait for it; null when there is none. */
    answer?: RunAnswer | null
  },
): Promise<boolean> {
  const rows = await sql.unsafe(
    FINISH,
    [
      run.id,
      end.state,
      end.reason === null ? null : storableText(end.reason),
      end.deliveries.length,
      statesBefore('run', end.state),
      resultRows(end.results),
      JSON.stringify(end.deliveries.map(deliveryRow)),
      end.answer ? storableText(JSON.stringify(end.answer)) : null,
      end.answer !== undefined,
      run.eventId,
      run.takes,
    ],
    { prepare: true },
  )
  return rows.length === 1
}

export const PRIORITY_DEFAULT = 5

const STRAIGHT: Turn = {
  state: 'queued',
  priority: PRIORITY_DEFAULT,
  delayMs: 0,
  orderKey: null,
  holdsOnDead: false,
  uniqueKey: null,
}

function deliveryRow(delivery: NewDelivery): object {
  const { state, priority, delayMs, orderKey, holdsOnDead, uniqueKey } = delivery.turn ?? STRAIGHT
  return {
    id: delivery.id,
    destination_id: delivery.destinationId,
    node_id: delivery.nodeId,
    position: delivery.position,
    item: delivery.item,
    ...delivery.redacted,
    state,
    priority,
    delay_ms: delayMs,
    order_key: orderKey,
    holds_on_dead: holdsOnDead,
    unique_key: uniqueKey,
  }
}
