import { patternOf } from '../payload/written-patterns.ts'
import { firstIdAt } from '../platform/ids.ts'
import type { Reader } from '../platform/postgres.ts'
import { SHOWN_OF_EVENT } from './runs.ts'
import { storableText } from './storable-text.ts'

/** What an operator may narrow a list down by. Lists are newest first; `before` is the cursor of the last page. */
export interface EventFilter {
  applicationId?: string | undefined
  integrationId?: string | undefined
  state?: string | undefined
  sourceIp?: string | undefined
  dedupeKey?: string | undefined
  topic?: string | undefined
  sender?: string | undefined
  /** What the source calls the event or its delivery. */
  sourceId?: string | undefined
  /** Text in the payload, upper and lower case alike. */
  text?: string | undefined
  from?: Date | undefined
  to?: Date | undefined
  before?: string | undefined
  limit: number
}

/** An event gets its id when its body has been read, a while after it was received. */
const ID_AFTER_RECEIPT_MAX_MS = 3_600_000

/**
 * What comes after FROM to find these events as `event`. Ids are ordered by time, so a time filter is also a range of
 * ids and only its partitions are read.
 */
export function eventsWhere(sql: Reader, filter: Omit<EventFilter, 'limit'>) {
  const payload = sql.unsafe(SHOWN_OF_EVENT)
  return sql`events event
    ${filter.text === undefined ? sql`` : sql`JOIN requests request ON request.id = event.request_id`}
    WHERE true
    ${filter.applicationId === undefined ? sql`` : sql`AND event.application_id = ${filter.applicationId}`}
    ${filter.integrationId === undefined ? sql`` : sql`AND event.integration_id = ${storableText(filter.integrationId)}`}
    ${filter.state === undefined ? sql`` : sql`AND event.state = ${storableText(filter.state)}`}
    ${filter.sourceIp === undefined ? sql`` : sql`AND event.source_ip = ${storableText(filter.sourceIp)}`}
    ${filter.dedupeKey === undefined ? sql`` : sql`AND event.dedupe_key = ${storableText(filter.dedupeKey)}`}
    ${filter.topic === undefined ? sql`` : sql`AND event.topic = ${storableText(filter.topic)}`}
    ${filter.sender === undefined ? sql`` : sql`AND event.sender = ${storableText(filter.sender)}`}
    ${filter.sourceId === undefined ? sql`` : namedBySource(sql, storableText(filter.sourceId))}
    ${filter.from === undefined ? sql`` : receivedFrom(sql, filter.from, 'event.')}
    ${filter.to === undefined ? sql`` : receivedBefore(sql, filter.to, 'event.')}
    ${filter.before === undefined ? sql`` : sql`AND event.id < ${filter.before}`}
    ${filter.text === undefined ? sql`` : sql`AND ${containsText(sql, payload, filter.text)}`}`
}

function namedBySource(sql: Reader, id: string) {
  return sql`AND (event.source_delivery_id = ${id} OR event.source_event_id = ${id})`
}

export function receivedFrom(sql: Reader, from: Date, table: string) {
  return sql`AND ${sql.unsafe(table)}received_at >= ${from} AND ${sql.unsafe(table)}id >= ${firstIdAt(from)}`
}

export function receivedBefore(sql: Reader, to: Date, table: string) {
  const lastId = firstIdAt(new Date(to.getTime() + ID_AFTER_RECEIPT_MAX_MS))
  return sql`AND ${sql.unsafe(table)}received_at < ${to} AND ${sql.unsafe(table)}id < ${lastId}`
}

/** Upper and lower case alike. A payload is kept as it was sent, and JSON can write one text in many ways. */
export function containsText(sql: Reader, json: ReturnType<Reader['unsafe']>, text: string) {
  return sql`(${json}) COLLATE "C" ~* ${patternOf(text, 'json')}`
}
