import type { Reader } from '../platform/postgres.ts'
import type { Identity } from '../sources/sources.ts'
import { type EventFilter, eventsWhere, receivedBefore, receivedFrom } from './event-filter.ts'
import { IDENTITY_COLUMNS, type IdentityColumns, withIdentity } from './identity.ts'
import { PAYLOAD_OF_EVENT } from './runs.ts'
import { storableText } from './storable-text.ts'

export interface RequestFilter {
  applicationId?: string | undefined
  integrationId?: string | undefined
  outcome?: string | undefined
  sourceIp?: string | undefined
  from?: Date | undefined
  to?: Date | undefined
  before?: string | undefined
  limit: number
}

export interface EventRow {
  id: string
  requestId: string
  position: number
  applicationId: string
  integrationId: string
  receivedAt: Date
  sourceIp: string
  /** What the sending system calls the event. */
  source: Identity
  dedupeKey: string | null
  duplicateOf: string | null
  latestRunId: string | null
  state: string
  /** Why an operator discarded it. */
  reason: string | null
  /** When what it carried, or the redacted part of that, was erased. */
  erasedAt: Date | null
  /** `redaction`, `retention` or the id of an erasure. */
  erasedBy: string | null
}

type SelectedEvent = Omit<EventRow, 'source'> & IdentityColumns

export interface RequestRow {
  id: string
  receivedAt: Date
  applicationId: string | null
  integrationId: string
  sourceIp: string
  method: string
  path: string
  contentType: string | null
  bodyBytes: number
  outcome: string
  status: number
  detail: string | null
  /** When what it carried was erased. */
  erasedAt: Date | null
}

const EVENT_COLUMNS = `event.id, event.request_id AS "requestId", event.position,
  event.application_id AS "applicationId", event.integration_id AS "integrationId",
  event.received_at AS "receivedAt", event.source_ip AS "sourceIp", event.dedupe_key AS "dedupeKey",
  event.duplicate_of AS "duplicateOf", event.latest_run_id AS "latestRunId", event.state, event.reason,
  event.erased_at AS "erasedAt", event.erased_by AS "erasedBy",
  ${IDENTITY_COLUMNS}`

const REQUEST_COLUMNS = `id, received_at AS "receivedAt", application_id AS "applicationId",
  integration_id AS "integrationId", source_ip AS "sourceIp", method, path, content_type AS "contentType",
  body_bytes AS "bodyBytes", outcome, status, detail, erased_at AS "erasedAt"`

/** Newest first. */
export async function findEvents(sql: Reader, filter: EventFilter): Promise<EventRow[]> {
  const rows = await sql<SelectedEvent[]>`
    SELECT ${sql.unsafe(EVENT_COLUMNS)} FROM ${eventsWhere(sql, filter)}
    ORDER BY event.id DESC LIMIT ${filter.limit}`
  return rows.map(withIdentity)
}

/** Everything received, refusals among it. */
export async function findRequests(sql: Reader, filter: RequestFilter): Promise<RequestRow[]> {
  const rows = await sql<RequestRow[]>`
    SELECT ${sql.unsafe(REQUEST_COLUMNS)} FROM requests
    WHERE true
    ${filter.applicationId === undefined ? sql`` : sql`AND application_id = ${filter.applicationId}`}
    ${filter.integrationId === undefined ? sql`` : sql`AND integration_id = ${storableText(filter.integrationId)}`}
    ${filter.outcome === undefined ? sql`` : sql`AND outcome = ${storableText(filter.outcome)}`}
    ${filter.sourceIp === undefined ? sql`` : sql`AND source_ip = ${storableText(filter.sourceIp)}`}
    ${filter.from === undefined ? sql`` : receivedFrom(sql, filter.from, '')}
    ${filter.to === undefined ? sql`` : receivedBefore(sql, filter.to, '')}
    ${filter.before === undefined ? sql`` : sql`AND id < ${filter.before}`}
    ORDER BY id DESC LIMIT ${filter.limit}`
  return [...rows]
}

export interface RunDetail {
  id: string
  definitionVersion: number
  cause: string
  state: string
  reason: string | null
  takes: number
  /** How often it failed and was put aside to be made again. */
  retries: number
  /** How often its worker was stopped in the middle of it. */
  stops: number
  /** When it is to be made again. */
  dueAt: Date | null
  /** What it had to say to a sender that waited, as JSON. */
  answer: string | null
  startedAt: Date | null
  endedAt: Date | null
  nodes: NodeDetail[]
  deliveries: DeliveryDetail[]
}

export interface NodeDetail {
  nodeId: string
  outcome: string
  message: string | null
  output: string | null
  log: string
  /** What it asked another system, as JSON. */
  call: string | null
  functionVersion: string | null
  wallMs: number
  cpuMs: number
}

export interface DeliveryDetail {
  id: string
  destinationId: string
  nodeId: string
  position: number
  item: string
  /** What is shown in its place, where fields of its event are redacted; exact JSON text. */
  shown: string | null
  state: string
  reason: string | null
  tries: number
  dueAt: Date
  endedAt: Date | null
  attempts: AttemptDetail[]
}

export interface AttemptDetail {
  id: string
  number: number
  startedAt: Date
  request: string
  verdict: string
  reason: string
  status: number | null
  responseHeaders: string | null
  responseBody: Buffer | null
  timing: string
  /** What it was sent together as; null for a delivery that was sent by itself. */
  batchId: string | null
}

export interface EventDetail extends EventRow {
  payload: string
  /** What is shown in its place, where fields of it are redacted; exact JSON text. */
  shown: string | null
  request: RequestRow & { headers: string; body: Buffer | null }
  runs: RunDetail[]
}

/** One event with all that became of it. */
export async function findEvent(sql: Reader, eventId: string): Promise<EventDetail | undefined> {
  const [event] = await sql<(SelectedEvent & Pick<EventDetail, 'payload' | 'shown'>)[]>`
    SELECT ${sql.unsafe(EVENT_COLUMNS)}, ${sql.unsafe(PAYLOAD_OF_EVENT)} AS payload, event.shown
    FROM events event JOIN requests request ON request.id = event.request_id WHERE event.id = ${eventId}`
  if (!event) return undefined
  const [request] = await sql<EventDetail['request'][]>`
    SELECT ${sql.unsafe(REQUEST_COLUMNS)}, headers, body FROM requests WHERE id = ${event.requestId}`
  if (!request) throw new Error(`event ${eventId} has no request ${event.requestId}`)
  return { ...withIdentity(event), request, runs: await findRuns(sql, eventId) }
}

async function findRuns(sql: Reader, eventId: string): Promise<RunDetail[]> {
  const runs = await sql<Omit<RunDetail, 'nodes' | 'deliveries'>[]>`
    SELECT id, definition_version AS "definitionVersion", cause, state, reason, takes, retries, stops,
           due_at AS "dueAt", answer, started_at AS "startedAt", ended_at AS "endedAt"
    FROM runs WHERE event_id = ${eventId} ORDER BY id`
  return Promise.all(
    runs.map(async (run) => ({
      ...run,
      nodes: await findNodeResults(sql, run.id),
      deliveries: await findDeliveries(sql, run.id),
    })),
  )
}

async function findNodeResults(sql: Reader, runId: string): Promise<NodeDetail[]> {
  const rows = await sql<NodeDetail[]>`
    SELECT node_id AS "nodeId", outcome, message, output, log, call, function_version AS "functionVersion",
           wall_ms AS "wallMs", cpu_ms AS "cpuMs"
    FROM node_results WHERE run_id = ${runId} ORDER BY position`
  return [...rows]
}

async function findDeliveries(sql: Reader, runId: string): Promise<DeliveryDetail[]> {
  const deliveries = await sql<Omit<DeliveryDetail, 'attempts'>[]>`
    SELECT id, destination_id AS "destinationId", node_id AS "nodeId", position, item, shown, state, reason, tries,
           due_at AS "dueAt", ended_at AS "endedAt"
    FROM deliveries WHERE run_id = ${runId} ORDER BY position, id`
  const attempts = await findAttempts(
    sql,
    deliveries.map(({ id }) => id),
  )
  return deliveries.map((delivery) => ({ ...delivery, attempts: attempts.get(delivery.id) ?? [] }))
}

/** The attempts of these deliveries, by delivery. */
export async function findAttempts(
  sql: Reader,
  deliveryIds: string[],
): Promise<Map<string, AttemptDetail[]>> {
  const rows = await sql<(AttemptDetail & { deliveryId: string })[]>`
    SELECT attempt.id, attempt.delivery_id AS "deliveryId", attempt.number, attempt.started_at AS "startedAt",
           coalesce(push.request, attempt.request) AS request, attempt.verdict, attempt.reason, attempt.status,
           push.response_headers AS "responseHeaders", push.response_body AS "responseBody",
           coalesce(push.timing, attempt.timing) AS timing,
           attempt.batch_id AS "batchId"
    FROM attempts attempt LEFT JOIN attempts push ON push.id = coalesce(attempt.pushed_with, attempt.id)
    WHERE attempt.delivery_id = ANY(${deliveryIds}::uuid[]) ORDER BY attempt.number`
  return Map.groupBy(rows, ({ deliveryId }) => deliveryId)
}
