import type { Reader } from '../platform/postgres.ts'
import { PAYLOAD_OF_EVENT, SHOWN_OF_EVENT } from './runs.ts'

/** What came to an integration lately, and what was made of it for a destination. */
export interface LatestPayload {
  /** Exact JSON text, as it is shown. */
  payload: string
  items: { nodeId: string; destinationId: string; item: string }[]
}

/** What an event carries, and what is shown of that. */
export async function findCarried(
  sql: Reader,
  eventId: string,
): Promise<{ payload: string; shown: string | null } | undefined> {
  const [row] = await sql<{ payload: string; shown: string | null }[]>`
    SELECT ${sql.unsafe(PAYLOAD_OF_EVENT)} AS payload, event.shown
    FROM events event JOIN requests request ON request.id = event.request_id WHERE event.id = ${eventId}`
  return row
}

/**
 * The latest events of an integration that have a run, newest first. What is larger than `bytes` is left out, so that
 * looking costs the same whatever is sent; of the items the first of each node is given.
 */
export async function findLatestPayloads(
  sql: Reader,
  integrationId: string,
  max: { events: number; bytes: number },
): Promise<LatestPayload[]> {
  const rows = await sql<{ payload: string; items: string }[]>`
    SELECT whole.payload, made.items FROM (
      SELECT id, request_id, latest_run_id, payload, shown FROM events
      WHERE integration_id = ${integrationId} AND latest_run_id IS NOT NULL ORDER BY id DESC LIMIT ${max.events}
    ) AS latest CROSS JOIN LATERAL (
      SELECT ${sql.unsafe(SHOWN_OF_EVENT)} AS payload
      FROM requests request, (SELECT latest.payload, latest.shown) AS event
      WHERE request.id = latest.request_id
        AND coalesce(octet_length(latest.payload), request.body_bytes) <= ${max.bytes}
    ) AS whole CROSS JOIN LATERAL (
      SELECT coalesce(json_agg(first), '[]')::text AS items FROM (
        SELECT DISTINCT ON (node_id, destination_id) node_id AS "nodeId", destination_id AS "destinationId",
               coalesce(shown, item) AS item
        FROM deliveries WHERE run_id = latest.latest_run_id AND octet_length(item) <= ${max.bytes}
        ORDER BY node_id, destination_id, position) AS first
    ) AS made
    ORDER BY latest.id DESC`
  return rows.map(({ payload, items }) => ({ payload, items: JSON.parse(items) }))
}
