import { IS_ALONE, IS_FIRST, IS_NOT_HELD_BY_DEAD } from './turn-conditions.ts'

/** Which waiting deliveries of a destination may go, in words of SQL. */
export interface Asked {
  destinationId: string
  /** So many of them. */
  max: string
  /** Of `delivery`. */
  columns: string
  /** What else has to hold of `delivery`. */
  and?: string
}

const ORDER = (table: string) => `${table}.priority, ${table}.event_id, ${table}.id`

/** Waiting deliveries whose turn it is, the highest priority and then the oldest event first, as long as few wait. */
export const WHOSE_TURN = ({ destinationId, max, columns, and = 'TRUE' }: Asked) => `
SELECT ${columns} FROM deliveries delivery
WHERE delivery.destination_id = ${destinationId} AND delivery.state = 'waiting'
  AND ${IS_FIRST} AND ${IS_ALONE} AND ${and}
ORDER BY ${ORDER('delivery')} LIMIT ${max}`

/** {@link WHOSE_TURN} among the first `lookedAt` that wait. */
export const WHOSE_TURN_IN_FRONT = ({
  destinationId,
  max,
  columns,
  lookedAt,
}: Asked & { lookedAt: string }) => `
SELECT ${columns} FROM (
  SELECT * FROM deliveries waiting
  WHERE waiting.destination_id = ${destinationId} AND waiting.state = 'waiting'
  ORDER BY ${ORDER('waiting')} LIMIT ${lookedAt}) AS delivery
WHERE ${IS_FIRST} AND ${IS_ALONE}
ORDER BY ${ORDER('delivery')} LIMIT ${max}`

/** So many order keys are asked for their first one by one. */
const KEYS_MAX = 100

const UNFINISHED = `state IN ('delayed', 'waiting', 'queued', 'sending', 'retrying')`

/**
 * {@link WHOSE_TURN} where many wait. Asking each of them whether an earlier one of its key is unfinished would take a
 * look into every day that is kept for each, and almost all of a long queue is no key's first. So the first of each key
 * are found beforehand: key by key where there are few, which costs the same however many wait behind each; else in one
 * pass. It is dear where nothing waits, because it looks at the table in more ways.
 */
export const WHOSE_TURN_OF_MANY = ({ destinationId, max, columns, and = 'TRUE' }: Asked) => `
WITH RECURSIVE keys(order_key) AS (
  (SELECT order_key FROM deliveries
   WHERE destination_id = ${destinationId} AND order_key IS NOT NULL AND ${UNFINISHED} ORDER BY order_key LIMIT 1)
  UNION ALL
  SELECT (SELECT order_key FROM deliveries
          WHERE destination_id = ${destinationId} AND order_key > keys.order_key AND order_key IS NOT NULL
            AND ${UNFINISHED} ORDER BY order_key LIMIT 1)
  FROM keys WHERE keys.order_key IS NOT NULL
), some_keys AS MATERIALIZED (
  SELECT order_key FROM keys WHERE order_key IS NOT NULL LIMIT ${KEYS_MAX} + 1
), few AS MATERIALIZED (
  SELECT count(*) <= ${KEYS_MAX} AS are FROM some_keys
), heads AS MATERIALIZED (
  SELECT head.* FROM some_keys CROSS JOIN LATERAL (
    SELECT id, integration_id FROM deliveries
    WHERE destination_id = ${destinationId} AND order_key = some_keys.order_key AND order_key IS NOT NULL
      AND ${UNFINISHED} ORDER BY event_id, id LIMIT 1) AS head
  WHERE (SELECT are FROM few)
  UNION ALL
  SELECT head.* FROM (
    SELECT DISTINCT ON (order_key) id, integration_id FROM deliveries
    WHERE destination_id = ${destinationId} AND order_key IS NOT NULL AND ${UNFINISHED}
    ORDER BY order_key, event_id, id) AS head
  WHERE NOT (SELECT are FROM few)
), to_walk AS MATERIALIZED (
  SELECT ahead.integration_id, (
    SELECT event_id FROM runs
    WHERE integration_id = ahead.integration_id AND state IN ('queued', 'running', 'retrying')
    ORDER BY event_id LIMIT 1) AS event_id
  FROM (SELECT DISTINCT integration_id FROM heads) AS ahead
)
SELECT ${columns} FROM deliveries delivery
WHERE delivery.destination_id = ${destinationId} AND delivery.state = 'waiting'
  AND (delivery.order_key IS NULL OR (
    delivery.id IN (SELECT id FROM heads)
    AND NOT EXISTS (
      SELECT FROM to_walk WHERE to_walk.integration_id = delivery.integration_id AND to_walk.event_id < delivery.event_id)
    AND ${IS_NOT_HELD_BY_DEAD}))
  AND ${IS_ALONE} AND ${and}
ORDER BY ${ORDER('delivery')} LIMIT ${max}`
