import { firstIdAt } from '../platform/ids.ts'
import type { Sql } from '../platform/postgres.ts'
import { PAYLOAD_OF_EVENT } from './runs.ts'
import { storableText } from './storable-text.ts'

/** What an operator may narrow a list down by. Lists are newest first; `before` is the cursor of the last page. */
export interface EventFilter {
  applicationId?: string | undefined
  integrationId?: string | undefined
  state?: string | undefined
  sourceIp?: string | undefined
  dedupeKey?: string | undefined
  /** Text in the payload, upper and lower case alike. */
  text?: string | undefined
  from?: Date | undefined
  to?: Date | undefined
  before?: string | undefined
  limit: number
}

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
  dedupeKey: string | null
  duplicateOf: string | null
  latestRunId: string | null
  state: string
}

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
}

const EVENT_COLUMNS = `event.id, event.request_id AS "requestId", event.position,
  event.application_id AS "applicationId", event.integration_id AS "integrationId",
  event.received_at AS "receivedAt", event.source_ip AS "sourceIp", event.dedupe_key AS "dedupeKey",
  event.duplicate_of AS "duplicateOf", event.latest_run_id AS "latestRunId", event.state`

const REQUEST_COLUMNS = `id, received_at AS "receivedAt", application_id AS "applicationId",
  integration_id AS "integrationId", source_ip AS "sourceIp", method, path, content_type AS "contentType",
  body_bytes AS "bodyBytes", outcome, status, detail`

/** An event gets its id when its body has been read, a while after it was received. */
const ID_AFTER_RECEIPT_MAX_MS = 3_600_000

/** Ids are ordered by time, so a time filter is also a range of ids and only its partitions are read. */
export async function findEvents(sql: Sql, filter: EventFilter): Promise<EventRow[]> {
  const payload = sql.unsafe(PAYLOAD_OF_EVENT)
  const rows = await sql<EventRow[]>`
    SELECT ${sql.unsafe(EVENT_COLUMNS)} FROM events event
    ${filter.text === undefined ? sql`` : sql`JOIN requests request ON request.id = event.request_id`}
    WHERE true
    ${filter.applicationId === undefined ? sql`` : sql`AND event.application_id = ${filter.applicationId}`}
    ${filter.integrationId === undefined ? sql`` : sql`AND event.integration_id = ${storableText(filter.integrationId)}`}
    ${filter.state === undefined ? sql`` : sql`AND event.state = ${storableText(filter.state)}`}
    ${filter.sourceIp === undefined ? sql`` : sql`AND event.source_ip = ${storableText(filter.sourceIp)}`}
    ${filter.dedupeKey === undefined ? sql`` : sql`AND event.dedupe_key = ${storableText(filter.dedupeKey)}`}
    ${filter.from === undefined ? sql`` : receivedFrom(sql, filter.from, 'event.')}
    ${filter.to === undefined ? sql`` : receivedBefore(sql, filter.to, 'event.')}
    ${filter.before === undefined ? sql`` : sql`AND event.id < ${filter.before}`}
    ${filter.text === undefined ? sql`` : sql`AND ${containsAny(sql, payload, writtenForms(filter.text))}`}
    ORDER BY event.id DESC LIMIT ${filter.limit}`
  return [...rows]
}

/** Everything received, refusals among it. */
export async function findRequests(sql: Sql, filter: RequestFilter): Promise<RequestRow[]> {
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

function receivedFrom(sql: Sql, from: Date, table: string) {
  return sql`AND ${sql.unsafe(table)}received_at >= ${from} AND ${sql.unsafe(table)}id >= ${firstIdAt(from)}`
}

function receivedBefore(sql: Sql, to: Date, table: string) {
  const lastId = firstIdAt(new Date(to.getTime() + ID_AFTER_RECEIPT_MAX_MS))
  return sql`AND ${sql.unsafe(table)}received_at < ${to} AND ${sql.unsafe(table)}id < ${lastId}`
}

function containsAny(sql: Sql, payload: ReturnType<Sql['unsafe']>, forms: string[]) {
  return sql`EXISTS (SELECT 1 FROM unnest(${forms}::text[]) form WHERE position(lower(form) IN lower(${payload})) > 0)`
}

/** A payload is kept as it was sent, and JSON can write one text in several ways; PHP escapes whatever it can. */
function writtenForms(text: string): string[] {
  const plain = storableText(text)
  const json = (cased: string) => JSON.stringify(cased).slice(1, -1)
  const php = (cased: string) =>
    json(cased)
      .replaceAll('/', '\\/')
      .replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const [lower, upper] = [plain.toLowerCase(), plain.toUpperCase()]
  return [...new Set([plain, json(plain), php(plain), php(lower), php(upper)])]
}

export interface RunDetail {
  id: string
  definitionVersion: number
  cause: string
  state: string
  reason: string | null
  takes: number
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
}

export interface EventDetail extends EventRow {
  payload: string
  request: RequestRow & { headers: string; body: Buffer | null }
  runs: RunDetail[]
}

/** One event with all that became of it. */
export async function findEvent(sql: Sql, eventId: string): Promise<EventDetail | undefined> {
  const [event] = await sql<(EventRow & { payload: string })[]>`
    SELECT ${sql.unsafe(EVENT_COLUMNS)}, ${sql.unsafe(PAYLOAD_OF_EVENT)} AS payload
    FROM events event JOIN requests request ON request.id = event.request_id WHERE event.id = ${eventId}`
  if (!event) return undefined
  const [request] = await sql<EventDetail['request'][]>`
    SELECT ${sql.unsafe(REQUEST_COLUMNS)}, headers, body FROM requests WHERE id = ${event.requestId}`
  if (!request) throw new Error(`event ${eventId} has no request ${event.requestId}`)
  return { ...event, request, runs: await findRuns(sql, eventId) }
}

async function findRuns(sql: Sql, eventId: string): Promise<RunDetail[]> {
  const runs = await sql<Omit<RunDetail, 'nodes' | 'deliveries'>[]>`
    SELECT id, definition_version AS "definitionVersion", cause, state, reason, takes, started_at AS "startedAt",
           ended_at AS "endedAt"
    FROM runs WHERE event_id = ${eventId} ORDER BY id`
  return Promise.all(
    runs.map(async (run) => ({
      ...run,
      nodes: await findNodeResults(sql, run.id),
      deliveries: await findDeliveries(sql, run.id),
    })),
  )
}

async function findNodeResults(sql: Sql, runId: string): Promise<NodeDetail[]> {
  const rows = await sql<NodeDetail[]>`
    SELECT node_id AS "nodeId", outcome, message, output, log, function_version AS "functionVersion",
           wall_ms AS "wallMs", cpu_ms AS "cpuMs"
    FROM node_results WHERE run_id = ${runId} ORDER BY position`
  return [...rows]
}

async function findDeliveries(sql: Sql, runId: string): Promise<DeliveryDetail[]> {
  const deliveries = await sql<Omit<DeliveryDetail, 'attempts'>[]>`
    SELECT id, destination_id AS "destinationId", node_id AS "nodeId", position, item, state, reason, tries,
           due_at AS "dueAt", ended_at AS "endedAt"
    FROM deliveries WHERE run_id = ${runId} ORDER BY position, id`
  const attempts = await sql<(AttemptDetail & { deliveryId: string })[]>`
    SELECT id, delivery_id AS "deliveryId", number, started_at AS "startedAt", request, verdict, reason, status,
           response_headers AS "responseHeaders", response_body AS "responseBody", timing
    FROM attempts WHERE delivery_id IN ${sql(deliveries.length > 0 ? deliveries.map(({ id }) => id) : [runId])}
    ORDER BY number`
  return deliveries.map((delivery) => ({
    ...delivery,
    attempts: attempts.filter((attempt) => attempt.deliveryId === delivery.id),
  }))
}
