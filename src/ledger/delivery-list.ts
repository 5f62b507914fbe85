import { redactionOf } from '../payload/redaction.ts'
import type { Reader } from '../platform/postgres.ts'
import { type DeliveryFilter, deliveriesWhere } from './delivery-filter.ts'
import { type AttemptDetail, findAttempts } from './search.ts'
import type { DeliveryState } from './states.ts'

/** A delivery as a list shows it. */
export interface DeliveryRow {
  id: string
  runId: string
  eventId: string
  applicationId: string
  integrationId: string
  destinationId: string
  nodeId: string
  position: number
  state: DeliveryState
  reason: string | null
  tries: number
  /** 0 goes first, 9 last. */
  priority: number
  /** Those to a destination with one key go one after the other. */
  orderKey: string | null
  /** Those that go, or went last, in one push. */
  batchId: string | null
  /** The delivery that this one is a replay of. */
  replayOf: string | null
  madeAt: Date
  /** When it is tried next; past for what only waits for its turn, null for what has ended. */
  dueAt: Date | null
  endedAt: Date | null
  /** From when it was made until it ended, or until now. */
  ageSeconds: number
  /** Status of the latest answer; null where nothing answered. */
  lastStatus: number | null
  /** What became of the latest attempt. */
  lastReason: string | null
  lastAttemptAt: Date | null
}

const DELIVERY_ROW = `delivery.id, delivery.run_id AS "runId", delivery.event_id AS "eventId",
  delivery.application_id AS "applicationId", delivery.integration_id AS "integrationId",
  delivery.destination_id AS "destinationId", delivery.node_id AS "nodeId", delivery.position, delivery.state,
  delivery.reason, delivery.tries, delivery.priority, delivery.order_key AS "orderKey",
  delivery.batch_id AS "batchId", delivery.replay_of AS "replayOf", uuid_extract_timestamp(delivery.id) AS "madeAt",
  CASE WHEN delivery.ended_at IS NULL THEN delivery.due_at END AS "dueAt", delivery.ended_at AS "endedAt",
  greatest(extract(epoch FROM coalesce(delivery.ended_at, now()) - uuid_extract_timestamp(delivery.id)), 0)::int
    AS "ageSeconds",
  latest.status AS "lastStatus", latest.reason AS "lastReason", latest.started_at AS "lastAttemptAt"`

/** Of `delivery`, as `latest`. */
export const WITH_LATEST_ATTEMPT = `LEFT JOIN LATERAL (
  SELECT status, reason, started_at FROM attempts
  WHERE delivery_id = delivery.id ORDER BY number DESC LIMIT 1) AS latest ON true`

/** Newest first, across integrations. */
export async function listDeliveries(
  sql: Reader,
  filter: DeliveryFilter & { limit: number },
): Promise<DeliveryRow[]> {
  const rows = await sql<(DeliveryRow & Hiding)[]>`
    SELECT ${sql.unsafe(DELIVERY_ROW)}, delivery.hidden FROM (
      SELECT * FROM deliveries delivery WHERE ${deliveriesWhere(sql, filter)}
      ORDER BY delivery.id DESC LIMIT ${filter.limit}) AS delivery
    ${sql.unsafe(WITH_LATEST_ATTEMPT)} ORDER BY delivery.id DESC`
  return rows.map(({ hidden, ...row }) => withShownKey(row, hidden))
}

interface Hiding {
  hidden: string | null
}

/** A key may be made of what is redacted. */
function withShownKey<Row extends { orderKey: string | null }>(row: Row, hidden: string | null): Row {
  if (row.orderKey === null || hidden === null) return row
  return { ...row, orderKey: redactionOf(JSON.parse(hidden)).text(row.orderKey) }
}

export interface DeliveryWithAttempts extends DeliveryRow {
  /** Exact JSON text. */
  item: string
  /** What is shown in its place, where fields of its event are redacted; exact JSON text. */
  shown: string | null
  /** What must not be shown of it, as JSON. */
  hidden: string | null
  /** A replay that carries something else than its original. */
  edited: boolean
  attempts: AttemptDetail[]
}

export async function findDelivery(
  sql: Reader,
  deliveryId: string,
): Promise<DeliveryWithAttempts | undefined> {
  const [row] = await sql<Omit<DeliveryWithAttempts, 'attempts'>[]>`
    SELECT ${sql.unsafe(DELIVERY_ROW)}, delivery.item, delivery.shown, delivery.hidden,
           EXISTS (SELECT FROM deliveries original
                   WHERE original.id = delivery.replay_of AND original.item <> delivery.item) AS edited
    FROM deliveries delivery ${sql.unsafe(WITH_LATEST_ATTEMPT)} WHERE delivery.id = ${deliveryId}`
  return (
    row && {
      ...withShownKey(row, row.hidden),
      attempts: (await findAttempts(sql, [deliveryId])).get(deliveryId) ?? [],
    }
  )
}
