import type { Sql } from '../platform/postgres.ts'
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
  receivedAt: Date
  /** Exact JSON text. */
  payload: string
  request: {
    method: string
    path: string
    headers: [name: string, value: string][]
    sourceIp: string
    contentType: string | null
  }
}

export interface NodeResult {
  nodeId: string
  outcome: string
  message: string | null
  /** Exact JSON text of what the node gave on. */
  output: string | null
  log: unknown[]
  functionVersion: string | null
  wallMs: number
  cpuMs: number
}

export interface NewDelivery {
  id: string
  destinationId: string
  nodeId: string
  position: number
  /** Exact JSON text of what is to be sent. */
  item: string
}

/** The payload of an event: its own text, or the body of its request (recorded only when that is valid UTF-8). */
export const PAYLOAD_OF_EVENT = `coalesce(event.payload, convert_from(request.body, 'UTF8'))`

const TAKE = `
WITH taken AS (
  UPDATE runs SET state = 'running', takes = takes + 1, queued_at = now(), started_at = coalesce(started_at, now())
  WHERE id = $1 AND state = ANY($2::text[])
  RETURNING *
)
SELECT taken.id, taken.event_id AS "eventId", event.request_id AS "requestId",
       taken.application_id AS "applicationId", taken.integration_id AS "integrationId",
       taken.definition_version AS "definitionVersion", taken.function_versions AS "functionVersions",
       taken.cause, taken.takes, event.received_at AS "receivedAt", ${PAYLOAD_OF_EVENT} AS payload,
       request.method, request.path, request.headers, request.source_ip AS "sourceIp",
       request.content_type AS "contentType"
FROM taken JOIN events event ON event.id = taken.event_id JOIN requests request ON request.id = event.request_id`

/** Takes a run; nothing when it is finished or gone. */
export async function takeRun(sql: Sql, runId: string): Promise<TakenRun | undefined> {
  const [row] = await sql.unsafe<TakenRow[]>(TAKE, [runId, statesBefore('run', 'running')], { prepare: true })
  if (!row) return undefined
  const { method, path, headers, sourceIp, contentType, functionVersions, ...rest } = row
  return {
    ...rest,
    functionVersions: functionVersions === null ? null : JSON.parse(functionVersions),
    request: { method, path, headers: JSON.parse(headers), sourceIp, contentType },
  }
}

type TakenRow = Omit<TakenRun, 'request' | 'functionVersions'> &
  Omit<TakenRun['request'], 'headers'> & { headers: string; functionVersions: string | null }

/** Fixes the versions that this run uses, so that a second take after a crash uses the same. */
export async function fixFunctionVersions(
  sql: Sql,
  runId: string,
  versions: Record<string, string>,
): Promise<void> {
  await sql`UPDATE runs SET function_versions = ${JSON.stringify(versions)} WHERE id = ${runId}`
}

/** What a walk through the nodes may end in; `delivered` is for the last delivery to say. */
export type RunEnd = Exclude<RunState, 'queued' | 'running' | 'delivered'>

const FINISH = `
WITH finished AS (
  UPDATE runs SET state = $2, reason = $3, deliveries_open = $4,
         ended_at = CASE WHEN $2 = 'delivering' THEN NULL ELSE now() END
  WHERE id = $1 AND state = 'running' AND state = ANY($5::text[])
  RETURNING id, event_id, application_id, integration_id
), event_moved AS (
  UPDATE events SET state = $2 FROM finished
  WHERE events.id = finished.event_id AND events.latest_run_id = finished.id
), results AS (
  INSERT INTO node_results (run_id, position, node_id, outcome, message, output, log, function_version, wall_ms, cpu_ms)
  SELECT finished.id, given.* FROM finished, json_to_recordset($6::text::json) AS given(
    position int, node_id text, outcome text, message text, output text, log text, function_version text,
    wall_ms int, cpu_ms int)
), made AS (
  INSERT INTO deliveries (id, run_id, event_id, application_id, integration_id, destination_id, node_id, position,
                          item, state, due_at, queued_at)
  SELECT given.id, finished.id, finished.event_id, finished.application_id, finished.integration_id,
         given.destination_id, given.node_id, given.position, given.item, 'queued', now(), now()
  FROM finished, json_to_recordset($7::text::json) AS given(
    id uuid, destination_id uuid, node_id text, position int, item text)
)
SELECT id FROM finished`

/**
 * Commits what a run did and the deliveries it made, in one statement. False when the run had been finished by
 * another worker: then nothing is written, and the deliveries do not exist.
 */
export async function finishRun(
  sql: Sql,
  runId: string,
  end: { state: RunEnd; reason: string | null; results: NodeResult[]; deliveries: NewDelivery[] },
): Promise<boolean> {
  const rows = await sql.unsafe(
    FINISH,
    [
      runId,
      end.state,
      end.reason === null ? null : storableText(end.reason),
      end.deliveries.length,
      statesBefore('run', end.state),
      JSON.stringify(end.results.map(resultRow)),
      JSON.stringify(end.deliveries.map(deliveryRow)),
    ],
    { prepare: true },
  )
  return rows.length === 1
}

/** Starts a new run of an event: a replay. The run becomes the one whose end is the event's state. */
export async function replayEvent(
  sql: Sql,
  replay: { eventId: string; runId: string; definitionVersion: number },
): Promise<boolean> {
  const rows = await sql`
    WITH event AS (
      UPDATE events SET state = 'queued', latest_run_id = ${replay.runId}
      WHERE id = ${replay.eventId} AND state = ANY(${statesBefore('event', 'queued')}::text[])
      RETURNING id, application_id, integration_id
    )
    INSERT INTO runs (id, event_id, application_id, integration_id, definition_version, cause, state, queued_at)
    SELECT ${replay.runId}::uuid, id, application_id, integration_id, ${replay.definitionVersion}, 'replay', 'queued', now()
    FROM event RETURNING id`
  return rows.length === 1
}

function resultRow(result: NodeResult, position: number): object {
  return {
    position,
    node_id: result.nodeId,
    outcome: result.outcome,
    message: result.message === null ? null : storableText(result.message),
    output: result.output,
    log: JSON.stringify(result.log),
    function_version: result.functionVersion,
    wall_ms: Math.round(result.wallMs),
    cpu_ms: Math.round(result.cpuMs),
  }
}

function deliveryRow(delivery: NewDelivery): object {
  return {
    id: delivery.id,
    destination_id: delivery.destinationId,
    node_id: delivery.nodeId,
    position: delivery.position,
    item: delivery.item,
  }
}
