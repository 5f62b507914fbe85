import { sql } from 'drizzle-orm'
import {
  customType,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'

/**
 * All tables here but `dedupe_keys` are partitioned by day through their time-ordered id. drizzle cannot say so:
 * the migration does, and `partitions.ts` makes the days.
 */

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
const at = (name: string) => timestamp(name, { withTimezone: true })

/** Everything received, once, with its bytes as they came. */
export const requests = pgTable(
  'requests',
  {
    id: uuid('id').primaryKey(),
    receivedAt: at('received_at').notNull(),
    applicationId: uuid('application_id'),
    integrationId: text('integration_id').notNull(),
    sourceIp: text('source_ip').notNull(),
    method: text('method').notNull(),
    path: text('path').notNull(),
    headers: text('headers').notNull(),
    contentType: text('content_type'),
    body: bytea('body'),
    bodyBytes: integer('body_bytes').notNull(),
    outcome: text('outcome').notNull(),
    status: smallint('status').notNull(),
    detail: text('detail'),
  },
  (table) => [index('requests_by_integration').on(table.integrationId, table.id)],
)

/** A whole payload, or one element of it. `payload` is null when it is the request's body as it stands. */
export const events = pgTable(
  'events',
  {
    id: uuid('id').primaryKey(),
    requestId: uuid('request_id').notNull(),
    position: integer('position').notNull(),
    applicationId: uuid('application_id').notNull(),
    integrationId: text('integration_id').notNull(),
    receivedAt: at('received_at').notNull(),
    sourceIp: text('source_ip').notNull(),
    payload: text('payload'),
    dedupeKey: text('dedupe_key'),
    duplicateOf: uuid('duplicate_of'),
    latestRunId: uuid('latest_run_id'),
    state: text('state').notNull(),
  },
  (table) => [
    index('events_by_integration').on(table.integrationId, table.id),
    index('events_by_dedupe_key').on(table.dedupeKey).where(sql`dedupe_key IS NOT NULL`),
  ],
)

/** A unique index cannot span partitions, so keys stand by themselves. */
export const dedupeKeys = pgTable(
  'dedupe_keys',
  {
    integrationId: text('integration_id').notNull(),
    key: text('key').notNull(),
    eventId: uuid('event_id').notNull(),
    expiresAt: at('expires_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.integrationId, table.key] }),
    index('dedupe_keys_by_expiry').on(table.expiresAt),
  ],
)

/** One passage of an event through the nodes. */
export const runs = pgTable(
  'runs',
  {
    id: uuid('id').primaryKey(),
    eventId: uuid('event_id').notNull(),
    applicationId: uuid('application_id').notNull(),
    integrationId: text('integration_id').notNull(),
    definitionVersion: integer('definition_version').notNull(),
    cause: text('cause').notNull(),
    state: text('state').notNull(),
    reason: text('reason'),
    queuedAt: at('queued_at').notNull(),
    takes: smallint('takes').notNull().default(0),
    functionVersions: text('function_versions'),
    deliveriesOpen: integer('deliveries_open').notNull().default(0),
    deliveriesDead: integer('deliveries_dead').notNull().default(0),
    startedAt: at('started_at'),
    endedAt: at('ended_at'),
  },
  (table) => [
    index('runs_by_event').on(table.eventId),
    index('runs_to_do').on(table.queuedAt).where(sql`state IN ('queued', 'running')`),
  ],
)

/** What each node of a run did. */
export const nodeResults = pgTable(
  'node_results',
  {
    runId: uuid('run_id').notNull(),
    position: integer('position').notNull(),
    nodeId: text('node_id').notNull(),
    outcome: text('outcome').notNull(),
    message: text('message'),
    output: text('output'),
    log: text('log').notNull(),
    functionVersion: text('function_version'),
    wallMs: integer('wall_ms').notNull(),
    cpuMs: integer('cpu_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.runId, table.position] })],
)

/** One item of a run for one destination. */
export const deliveries = pgTable(
  'deliveries',
  {
    id: uuid('id').primaryKey(),
    runId: uuid('run_id').notNull(),
    eventId: uuid('event_id').notNull(),
    applicationId: uuid('application_id').notNull(),
    integrationId: text('integration_id').notNull(),
    destinationId: uuid('destination_id').notNull(),
    nodeId: text('node_id').notNull(),
    position: integer('position').notNull(),
    item: text('item').notNull(),
    state: text('state').notNull(),
    reason: text('reason'),
    tries: smallint('tries').notNull().default(0),
    dueAt: at('due_at').notNull(),
    queuedAt: at('queued_at').notNull(),
    leaseUntil: at('lease_until'),
    endedAt: at('ended_at'),
  },
  (table) => [
    index('deliveries_by_run').on(table.runId),
    index('deliveries_by_event').on(table.eventId),
    index('deliveries_by_destination').on(table.destinationId, table.id),
    index('deliveries_to_do').on(table.dueAt).where(sql`state IN ('queued', 'sending', 'retrying')`),
  ],
)

/** One try of a delivery. */
export const attempts = pgTable(
  'attempts',
  {
    id: uuid('id').primaryKey(),
    deliveryId: uuid('delivery_id').notNull(),
    number: smallint('number').notNull(),
    startedAt: at('started_at').notNull(),
    request: text('request').notNull(),
    verdict: text('verdict').notNull(),
    reason: text('reason').notNull(),
    status: smallint('status'),
    responseHeaders: text('response_headers'),
    responseBody: bytea('response_body'),
    timing: text('timing').notNull(),
  },
  (table) => [index('attempts_by_delivery').on(table.deliveryId)],
)
