import type { Sql } from '../platform/postgres.ts'
import type { Identity } from '../sources/sources.ts'
import { storableText } from './storable-text.ts'

/** A request as it is written down, accepted or refused. */
export interface RequestEntry {
  id: string
  receivedAt: Date
  applicationId: string | null
  integrationId: string
  sourceIp: string
  method: string
  path: string
  /** Names and values in the order they came, credentials already replaced by fingerprints. */
  headers: [name: string, value: string][]
  contentType: string | null
  /** The bytes as they came, or null where they were not kept; of a refused body only the beginning. */
  body: Buffer | null
  /** The size of the whole body. */
  bodyBytes: number
  /** `accepted` or the reason of the refusal. */
  outcome: string
  status: number
  detail: string | null
}

export interface EventEntry {
  id: string
  /** Place among the events of its request, from 0. */
  position: number
  /** Its payload is one element of the body, which so is not its own. */
  isElement?: boolean
  /** Exact JSON text, or null when it is the request's body as it stands. */
  payload: string | null
  /** What is shown in place of the payload, where fields of it are redacted. */
  shown?: string | null
  /** From then on something of it is to be erased, once it has ended; ISO 8601. */
  eraseAt?: string | null
  /** How its source names it. */
  identity: Identity
  dedupe: { key: string; windowSeconds: number } | null
  /** Held until an operator releases it: there is no run. */
  quarantined: boolean
  runId: string
  definitionVersion: number
}

export interface Entry {
  request: RequestEntry
  events: EventEntry[]
}

export type Recorded =
  | { eventId: string; runId: string }
  | { eventId: string; duplicateOf: string }
  | { eventId: string; quarantined: true }

/**
 * Everything of a batch in one statement and so in one commit. Storing again what is already there changes
 * nothing; a dedupe key has one first event, whoever else asks at the same moment. A request may come here long after it
 * was received: windows are judged by when that was, and its run counts as queued from now on.
 *
 * The keys are folded (one key twice in one statement is an error in PostgreSQL) and sorted (two batches that
 * lock keys in different orders would deadlock). Bodies and payloads travel as one parameter and are cut out by offset,
 * which is several times cheaper than an array of them, or than JSON within JSON.
 */
const RECORD = `
WITH given_requests AS MATERIALIZED (
  SELECT * FROM json_to_recordset($1::text::json) AS given(
    id uuid, received_at timestamptz, application_id uuid, integration_id text, source_ip text, method text,
    path text, headers text, content_type text, body_from int, kept_bytes int, body_bytes int, outcome text,
    status smallint, detail text)
), given_events AS MATERIALIZED (
  SELECT event.*, request.application_id, request.integration_id, request.received_at, request.source_ip
  FROM json_to_recordset($2::text::json) AS event(
    id uuid, request_id uuid, position int, is_element boolean, payload_from int, payload_bytes int, shown text, erase_at timestamptz, topic text, source_delivery_id text,
    source_event_id text, occurred_at timestamptz, sender text, key text, window_seconds int, quarantined bool,
    run_id uuid, definition_version int)
  JOIN given_requests request ON request.id = event.request_id
), first_of_key AS (
  SELECT DISTINCT ON (integration_id, key) integration_id, key, id,
         received_at + make_interval(secs => window_seconds) AS expires_at
  FROM given_events WHERE key IS NOT NULL ORDER BY integration_id, key, id
), owner_of_key AS (
  INSERT INTO dedupe_keys AS known (integration_id, key, event_id, expires_at)
  SELECT integration_id, key, id, expires_at FROM first_of_key ORDER BY integration_id, key
  ON CONFLICT (integration_id, key) DO UPDATE SET (event_id, expires_at) = (
    SELECT CASE WHEN known.expires_at <= received_at THEN excluded.event_id ELSE known.event_id END,
           CASE WHEN known.expires_at <= received_at THEN excluded.expires_at ELSE known.expires_at END
    FROM given_events WHERE id = excluded.event_id)
  RETURNING integration_id, key, event_id
), judged AS MATERIALIZED (
  SELECT event.*, CASE WHEN owner.event_id <> event.id THEN owner.event_id END AS duplicate_of
  FROM given_events event LEFT JOIN owner_of_key owner USING (integration_id, key)
), stored_requests AS (
  INSERT INTO requests (id, received_at, application_id, integration_id, source_ip, method, path, headers,
                        content_type, body, body_bytes, outcome, status, detail)
  SELECT id, received_at, application_id, integration_id, source_ip, method, path, headers, content_type,
         CASE WHEN body_from IS NOT NULL THEN substring($3::bytea FROM body_from FOR kept_bytes) END,
         body_bytes, outcome, status, detail
  FROM given_requests ON CONFLICT DO NOTHING
), stored_events AS (
  INSERT INTO events (id, request_id, position, is_element, application_id, integration_id, received_at, source_ip, payload,
                      shown, erase_at, topic, source_delivery_id, source_event_id, occurred_at, sender, dedupe_key,
                      duplicate_of, latest_run_id, state)
  SELECT id, request_id, position, coalesce(is_element, false), application_id, integration_id, received_at, source_ip,
         CASE WHEN payload_from IS NOT NULL THEN
           convert_from(substring($3::bytea FROM payload_from FOR payload_bytes), 'UTF8') END,
         shown, erase_at, topic, source_delivery_id, source_event_id, occurred_at, sender, key, duplicate_of,
         CASE WHEN duplicate_of IS NULL AND NOT quarantined THEN run_id END,
         CASE WHEN quarantined THEN 'quarantined' WHEN duplicate_of IS NULL THEN 'queued' ELSE 'duplicate' END
  FROM judged ON CONFLICT DO NOTHING
), stored_runs AS (
  INSERT INTO runs (id, event_id, application_id, integration_id, definition_version, cause, state, queued_at)
  SELECT run_id, id, application_id, integration_id, definition_version, 'received', 'queued', now()
  FROM judged WHERE duplicate_of IS NULL AND NOT quarantined ON CONFLICT DO NOTHING
)
SELECT id, duplicate_of FROM judged WHERE duplicate_of IS NOT NULL`

/** What of an entry has no bounds of its own: its body and its payloads, in about as many bytes. */
export function bytesOf({ request, events }: Entry): number {
  return events.reduce((sum, { payload }) => sum + (payload?.length ?? 0), request.body?.length ?? 0)
}

/** Writes entries down, durably and all or none. Gives for each entry what became of its events, in order. */
export async function recordEntries(sql: Sql, entries: Entry[]): Promise<Recorded[][]> {
  const cargo = createCargo()
  const requests = entries.map(({ request }) => requestRow(request, cargo))
  const events = entries.flatMap((entry) => entry.events.map((event) => eventRow(entry, event, cargo)))
  const parameters = [JSON.stringify(requests), JSON.stringify(events), cargo.bytes()]
  const duplicates = await sql.unsafe<{ id: string; duplicate_of: string }[]>(RECORD, parameters, {
    prepare: true,
  })
  const firstOf = new Map(duplicates.map((row) => [row.id, row.duplicate_of]))
  return entries.map((entry) => entry.events.map((event) => recorded(event, firstOf.get(event.id))))
}

interface Cargo {
  /** Where it begins, counted from 1 as PostgreSQL does; null for nothing. */
  load(bytes: Buffer | null): number | null
  bytes(): Buffer
}

function createCargo(): Cargo {
  const loaded: Buffer[] = []
  let end = 1
  return {
    load(bytes) {
      if (bytes === null) return null
      loaded.push(bytes)
      end += bytes.length
      return end - bytes.length
    },
    bytes: () => Buffer.concat(loaded),
  }
}

function requestRow(request: RequestEntry, cargo: Cargo): object {
  return {
    id: request.id,
    received_at: request.receivedAt,
    application_id: request.applicationId,
    integration_id: storableText(request.integrationId),
    source_ip: request.sourceIp,
    method: request.method,
    path: storableText(request.path),
    headers: JSON.stringify(request.headers),
    content_type: request.contentType,
    body_from: cargo.load(request.body),
    kept_bytes: request.body?.length ?? 0,
    body_bytes: request.bodyBytes,
    outcome: request.outcome,
    status: request.status,
    detail: request.detail === null ? null : storableText(request.detail),
  }
}

function eventRow(entry: Entry, event: EventEntry, cargo: Cargo): object {
  const payload = event.payload === null ? null : Buffer.from(event.payload)
  return {
    id: event.id,
    request_id: entry.request.id,
    position: event.position,
    payload_from: cargo.load(payload),
    payload_bytes: payload?.length ?? 0,
    ...(event.isElement === true && { is_element: true }),
    ...(event.shown != null && { shown: event.shown }),
    ...(event.eraseAt != null && { erase_at: event.eraseAt }),
    topic: storableOrNull(event.identity.topic),
    source_delivery_id: storableOrNull(event.identity.deliveryId),
    source_event_id: storableOrNull(event.identity.eventId),
    occurred_at: event.identity.occurredAt,
    sender: storableOrNull(event.identity.sender),
    quarantined: event.quarantined,
    key: event.dedupe?.key ?? null,
    window_seconds: event.dedupe?.windowSeconds ?? null,
    run_id: event.runId,
    definition_version: event.definitionVersion,
  }
}

function storableOrNull(text: string | null): string | null {
  return text === null ? null : storableText(text)
}

function recorded(event: EventEntry, duplicateOf: string | undefined): Recorded {
  if (event.quarantined) return { eventId: event.id, quarantined: true }
  return duplicateOf === undefined
    ? { eventId: event.id, runId: event.runId }
    : { eventId: event.id, duplicateOf }
}
