import { firstIdAt } from '../platform/ids.ts'
import type { Reader } from '../platform/postgres.ts'
import { containsText } from './event-filter.ts'
import type { DeliveryState } from './states.ts'
import { storableText } from './storable-text.ts'

/** What an operator may narrow deliveries down by. */
export interface DeliveryFilter {
  applicationId?: string | undefined
  integrationId?: string | undefined
  destinationId?: string | undefined
  eventId?: string | undefined
  /** What it goes or went together with. */
  batchId?: string | undefined
  state?: DeliveryState | undefined
  /** Part of the reason, upper and lower case alike. */
  reason?: string | undefined
  /** Text in what is sent, upper and lower case alike. */
  text?: string | undefined
  /** Made at or after. */
  from?: Date | undefined
  /** Made before. */
  to?: Date | undefined
  before?: string | undefined
}

/** What comes after WHERE to find these deliveries as `delivery`. */
export function deliveriesWhere(sql: Reader, filter: DeliveryFilter) {
  const item = sql.unsafe('coalesce(delivery.shown, delivery.item)')
  return sql`true
    ${filter.applicationId === undefined ? sql`` : sql`AND delivery.application_id = ${filter.applicationId}`}
    ${filter.integrationId === undefined ? sql`` : sql`AND delivery.integration_id = ${storableText(filter.integrationId)}`}
    ${filter.destinationId === undefined ? sql`` : sql`AND delivery.destination_id = ${filter.destinationId}`}
    ${filter.eventId === undefined ? sql`` : sql`AND delivery.event_id = ${filter.eventId}`}
    ${filter.batchId === undefined ? sql`` : sql`AND delivery.batch_id = ${filter.batchId}`}
    ${filter.state === undefined ? sql`` : sql`AND delivery.state = ${written(sql, filter.state)}`}
    ${filter.reason === undefined ? sql`` : hasReason(sql, 'delivery', filter.reason)}
    ${filter.from === undefined ? sql`` : sql`AND delivery.id >= ${firstIdAt(filter.from)}`}
    ${filter.to === undefined ? sql`` : sql`AND delivery.id < ${firstIdAt(filter.to)}`}
    ${filter.before === undefined ? sql`` : sql`AND delivery.id < ${filter.before}`}
    ${filter.text === undefined ? sql`` : sql`AND ${containsText(sql, item, filter.text)}`}`
}

export function hasReason(sql: Reader, table: string, part: string) {
  const reason = sql.unsafe(`${table}.reason`)
  return sql`AND position(lower(${storableText(part)}) IN lower(${reason})) > 0`
}

/** In the text of the statement, so that the planner knows an index over part of the states to be the right one. */
function written(sql: Reader, state: DeliveryState) {
  return sql.unsafe(`'${state}'`)
}
