import type { SoughtText } from '../payload/sought-text.ts'
import { firstIdAt } from '../platform/ids.ts'
import type { Reader, Sql } from '../platform/postgres.ts'
import type { ErasureScope } from './erasures.ts'
import { PAYLOAD_OF_EVENT } from './runs.ts'
import { type AttemptDetail, type EventDetail, findEvent } from './search.ts'

/** A part of what is looked through, in the order of ids. */
export interface LookedAt {
  looked: number
  /** The last id of it; undefined when there is nothing more. */
  to: string | undefined
  /** What holds the text. */
  found: Found[]
}

export interface Found {
  id: string
  kind: 'event' | 'request'
}

const EVENTS_AT_ONCE = 500
const REQUESTS_AT_ONCE = 1_000
const FIRST_ID = '00000000-0000-0000-0000-000000000000'

/** Looks at the next events, with all that was made of each. */
export async function lookAtEvents(
  sql: Sql,
  sought: SoughtText,
  scope: ErasureScope,
  after: string | null,
): Promise<LookedAt> {
  const page = await sql<{ id: string }[]>`
    SELECT event.id FROM events event WHERE ${within(sql, 'event', scope, after)}
      AND (erased_at IS NULL OR erased_by = 'redaction')
    ORDER BY event.id LIMIT ${EVENTS_AT_ONCE}`
  const ids = page.map(({ id }) => id)
  const [text, bytes] = [textIn(sql, sought), bytesIn(sql, sought)]
  const candidates = await sql<{ id: string; isElement: boolean }[]>`
    SELECT event.id, event.is_element AS "isElement" FROM events event JOIN requests request ON request.id = event.request_id
    WHERE event.id = ANY(${ids}::uuid[]) AND (
      ${text(PAYLOAD_OF_EVENT)}
      OR ${text('event.topic', 'event.source_delivery_id', 'event.source_event_id', 'event.sender', 'event.reason')}
      OR NOT event.is_element AND (${bytes('request.body')} OR ${text('request.headers', 'request.path', 'request.detail')})
      OR EXISTS (SELECT FROM runs run WHERE run.event_id = event.id AND (
        ${text('run.reason', 'run.answer')}
        OR EXISTS (SELECT FROM node_results result WHERE result.run_id = run.id
                     AND ${text('result.output', 'result.message', 'result.log', 'result.call')})))
      OR EXISTS (SELECT FROM deliveries delivery WHERE delivery.event_id = event.id AND (
        ${text('delivery.item', 'delivery.reason', 'delivery.order_key', 'delivery.unique_key', 'delivery.hidden')}
        OR EXISTS (SELECT FROM attempts attempt WHERE attempt.delivery_id = delivery.id AND (
          ${text('attempt.request', 'attempt.reason', 'attempt.response_headers')}
          OR ${bytes('attempt.response_body')})))))`
  const found: Found[] = await requestsOfElements(sql, sought, ids)
  for (const { id, isElement } of candidates) {
    const event = await findEvent(sql, id)
    if (event && holds(event, isElement, sought)) found.push({ id, kind: 'event' })
  }
  return { looked: ids.length, to: ids.length < EVENTS_AT_ONCE ? undefined : ids.at(-1), found }
}

/** A request that brought many events is of many people: it is found by itself, and each event by what it carries. */
async function requestsOfElements(sql: Sql, sought: SoughtText, eventIds: string[]): Promise<Found[]> {
  const candidates = await sql<RequestCandidate[]>`
    SELECT ${sql.unsafe(CANDIDATE)} FROM requests request
    WHERE id IN (SELECT request_id FROM events WHERE id = ANY(${eventIds}::uuid[]) AND is_element)
      AND erased_at IS NULL
      AND (${textIn(sql, sought)('headers', 'path', 'detail')} OR ${bytesIn(sql, sought)('body')})`
  return foundIn(candidates, sought)
}

interface RequestCandidate {
  id: string
  texts: string[]
  body: Buffer | null
}

const CANDIDATE = `id, ARRAY[headers, path, coalesce(detail, '')] AS texts, body`

function foundIn(candidates: readonly RequestCandidate[], sought: SoughtText): Found[] {
  return candidates
    .filter(({ texts, body }) => texts.some(sought.isIn) || (body !== null && sought.isInBytes(body)))
    .map(({ id }) => ({ id, kind: 'request' }))
}

/** Looks at the next requests that became no event: refused ones, and handshakes. */
export async function lookAtRequests(
  sql: Sql,
  sought: SoughtText,
  scope: ErasureScope,
  after: string | null,
): Promise<LookedAt> {
  const page = await sql<{ id: string }[]>`
    SELECT request.id FROM requests request WHERE ${within(sql, 'request', scope, after)}
      AND request.outcome NOT IN ('accepted', 'quarantined') AND request.erased_at IS NULL
    ORDER BY request.id LIMIT ${REQUESTS_AT_ONCE}`
  const ids = page.map(({ id }) => id)
  const candidates = await sql<RequestCandidate[]>`
    SELECT ${sql.unsafe(CANDIDATE)} FROM requests request
    WHERE id = ANY(${ids}::uuid[]) AND (
      ${textIn(sql, sought)('headers', 'path', 'detail')} OR ${bytesIn(sql, sought)('body')})`
  return {
    looked: ids.length,
    to: ids.length < REQUESTS_AT_ONCE ? undefined : ids.at(-1),
    found: foundIn(candidates, sought),
  }
}

function within(sql: Reader, table: string, scope: ErasureScope, after: string | null) {
  const column = (name: string) => sql.unsafe(`${table}.${name}`)
  const { applicationId, integrationId, receivedFrom, receivedBefore } = scope
  const first = receivedFrom === null ? FIRST_ID : firstIdAt(receivedFrom)
  return sql`${column('id')} > ${after ?? first}
    ${applicationId === null ? sql`` : sql`AND ${column('application_id')} = ${applicationId}`}
    ${integrationId === null ? sql`` : sql`AND ${column('integration_id')} = ${integrationId}`}
    ${receivedFrom === null ? sql`` : sql`AND ${column('received_at')} >= ${receivedFrom}`}
    ${receivedBefore === null ? sql`` : sql`AND ${column('received_at')} < ${receivedBefore}`}`
}

/** Whether it may stand in one of these columns; the database only narrows down what is read. */
function textIn(sql: Reader, { pattern }: SoughtText) {
  return (...columns: string[]) =>
    sql`concat_ws(E'\\n', ${sql.unsafe(columns.join(', '))}) COLLATE "C" ~* ${pattern}`
}

function bytesIn(sql: Reader, { bytesPatterns: { narrow, wide } }: SoughtText) {
  return (name: string) => {
    const column = sql.unsafe(name)
    return sql`(encode(${column}, 'escape') COLLATE "C" ~* ${narrow}
      OR position('\\x00'::bytea IN ${column}) > 0 AND encode(${column}, 'escape') COLLATE "C" ~* ${wide})`
  }
}

/** As it is read by people and programs: in JSON a text is found however it is written. */
function holds(event: EventDetail, isElement: boolean, sought: SoughtText): boolean {
  const { payload, request, runs, source, reason } = event
  const { isIn, isInJson, isInBytes } = sought
  const inText = (...texts: (string | null)[]) => texts.some((text) => text !== null && isIn(text))
  const inJson = (...texts: (string | null)[]) => texts.some((text) => text !== null && isInJson(text))
  const inBytes = (bytes: Buffer | null) => bytes !== null && isInBytes(bytes)
  const inRequest = () =>
    inJson(request.headers) || inText(request.path, request.detail) || inBytes(request.body)
  const inAttempt = (attempt: AttemptDetail) =>
    inText(attempt.reason) ||
    inJson(attempt.request, attempt.responseHeaders) ||
    inBytes(attempt.responseBody)
  const inRun = ({ reason, answer, nodes, deliveries }: EventDetail['runs'][number]) =>
    inText(reason) ||
    inJson(answer) ||
    nodes.some((node) => inText(node.message) || inJson(node.output, node.log, node.call)) ||
    deliveries.some(
      (delivery) => inText(delivery.reason) || inJson(delivery.item) || delivery.attempts.some(inAttempt),
    )
  return (
    inJson(payload) ||
    inText(reason, ...Object.values(source)) ||
    (!isElement && inRequest()) ||
    runs.some(inRun)
  )
}
