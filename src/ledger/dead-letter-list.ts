import type { Reader } from '../platform/postgres.ts'
import { hasReason } from './delivery-filter.ts'
import { WITH_LATEST_ATTEMPT } from './delivery-list.ts'
import { containsText } from './event-filter.ts'
import { SHOWN_OF_EVENT } from './runs.ts'
import { storableText } from './storable-text.ts'

/** What an operator may narrow dead letters down by. */
export interface DeadLetterFilter {
  applicationId?: string | undefined
  integrationId?: string | undefined
  /** Leaves out runs, which died before there was anything to send. */
  destinationId?: string | undefined
  eventId?: string | undefined
  kind?: 'delivery' | 'run' | undefined
  /** Part of the reason, upper and lower case alike. */
  reason?: string | undefined
  /** Text in what was to be sent, or in the payload where a run died; upper and lower case alike. */
  text?: string | undefined
  /** Died at or after. */
  from?: Date | undefined
  /** Died before. */
  to?: Date | undefined
}

/** A delivery that is tried no more, or a run that died before it made any. */
export interface DeadLetterRow {
  id: string
  kind: 'delivery' | 'run'
  runId: string
  eventId: string
  applicationId: string
  integrationId: string
  /** Null for a run. */
  destinationId: string | null
  nodeId: string | null
  reason: string | null
  /** Attempts of a delivery, starts of a run. */
  tries: number
  madeAt: Date
  diedAt: Date
  lastStatus: number | null
}

const OF_DELIVERY = `delivery.id, 'delivery' AS kind, delivery.run_id AS "runId", delivery.event_id AS "eventId",
  delivery.application_id AS "applicationId", delivery.integration_id AS "integrationId",
  delivery.destination_id AS "destinationId", delivery.node_id AS "nodeId", delivery.reason, delivery.tries,
  uuid_extract_timestamp(delivery.id) AS "madeAt", delivery.ended_at AS "diedAt", latest.status AS "lastStatus"`

const OF_RUN = `run.id, 'run', run.id, run.event_id, run.application_id, run.integration_id, NULL::uuid, NULL,
  run.reason, run.takes, uuid_extract_timestamp(run.id), run.ended_at, NULL::smallint`

/** Newest first. What a newer run of its event has replaced was dealt with and is left out. */
export async function listDeadLetters(
  sql: Reader,
  filter: DeadLetterFilter & { before?: string | undefined; limit: number },
): Promise<DeadLetterRow[]> {
  const before = (table: string) =>
    filter.before === undefined ? sql`` : sql`AND ${sql.unsafe(table)}.id < ${filter.before}`
  const rows = await sql<DeadLetterRow[]>`
    (SELECT ${sql.unsafe(OF_DELIVERY)} FROM (
       SELECT delivery.* FROM ${deadDeliveries(sql, filter)} ${before('delivery')}
       ORDER BY delivery.id DESC LIMIT ${filter.limit}) AS delivery ${sql.unsafe(WITH_LATEST_ATTEMPT)})
    UNION ALL
    (SELECT ${sql.unsafe(OF_RUN)} FROM ${deadRuns(sql, filter)} ${before('run')}
     ORDER BY run.id DESC LIMIT ${filter.limit})
    ORDER BY id DESC LIMIT ${filter.limit}`
  return [...rows]
}

/** One of them; undefined when it is none, or no longer. */
export async function findDeadLetter(sql: Reader, id: string): Promise<DeadLetterRow | undefined> {
  const [row] = await sql<DeadLetterRow[]>`
    SELECT ${sql.unsafe(OF_DELIVERY)} FROM deliveries delivery ${sql.unsafe(WITH_LATEST_ATTEMPT)}
    WHERE delivery.id = ${id} AND delivery.state = 'dead'
    UNION ALL
    SELECT ${sql.unsafe(OF_RUN)} FROM runs run
    WHERE run.id = ${id} AND run.state = 'dead' AND run.deliveries_dead = 0`
  return row
}

/** What comes after FROM; the states are written out, so that the planner knows the partial indexes to be right. */
export function deadDeliveries(sql: Reader, filter: DeadLetterFilter) {
  const { destinationId, kind, text } = filter
  return sql`deliveries delivery JOIN events event ON event.id = delivery.event_id
    WHERE delivery.state = 'dead' AND event.latest_run_id = delivery.run_id
    ${kind === 'run' ? sql`AND false` : sql``}
    ${destinationId === undefined ? sql`` : sql`AND delivery.destination_id = ${destinationId}`}
    ${text === undefined ? sql`` : sql`AND ${containsText(sql, sql.unsafe('coalesce(delivery.shown, delivery.item)'), text)}`}
    ${narrowed(sql, 'delivery', filter)}`
}

export function deadRuns(sql: Reader, filter: DeadLetterFilter) {
  const { destinationId, kind, text } = filter
  return sql`runs run JOIN events event ON event.id = run.event_id
    ${text === undefined ? sql`` : sql`JOIN requests request ON request.id = event.request_id`}
    WHERE run.state = 'dead' AND run.deliveries_dead = 0 AND event.latest_run_id = run.id
    ${kind === 'delivery' || destinationId !== undefined ? sql`AND false` : sql``}
    ${text === undefined ? sql`` : sql`AND ${containsText(sql, sql.unsafe(SHOWN_OF_EVENT), text)}`}
    ${narrowed(sql, 'run', filter)}`
}

function narrowed(sql: Reader, table: string, filter: DeadLetterFilter) {
  const { applicationId, integrationId, eventId, reason, from, to } = filter
  const column = (name: string) => sql.unsafe(`${table}.${name}`)
  return sql`
    ${applicationId === undefined ? sql`` : sql`AND ${column('application_id')} = ${applicationId}`}
    ${integrationId === undefined ? sql`` : sql`AND ${column('integration_id')} = ${storableText(integrationId)}`}
    ${eventId === undefined ? sql`` : sql`AND ${column('event_id')} = ${eventId}`}
    ${reason === undefined ? sql`` : hasReason(sql, table, reason)}
    ${from === undefined ? sql`` : sql`AND ${column('ended_at')} >= ${from}`}
    ${to === undefined ? sql`` : sql`AND ${column('ended_at')} < ${to}`}`
}
