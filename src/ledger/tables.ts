import { sql } from 'drizzle-orm'
import {
  boolean,
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
    erasedAt: at('erased_at'),
  },
  (table) => [index('requests_by_integration').on(table.integrationId, table.id)],
)

/**
 * A whole payload, or one element of it. `payload` is null when it is the request's body as it stands; `shown` is what
 * is shown in its place where its integration redacts fields.
 */
export const events = pgTable(
  'events',
  {
    id: uuid('id').primaryKey(),
    requestId: uuid('request_id').notNull(),
    position: integer('position').notNull(),
    isElement: boolean('is_element').notNull().default(false),
    applicationId: uuid('application_id').notNull(),
    integrationId: text('integration_id').notNull(),
    receivedAt: at('received_at').notNull(),
    sourceIp: text('source_ip').notNull(),
    payload: text('payload'),
    shown: text('shown'),
    topic: text('topic'),
    sourceDeliveryId: text('source_delivery_id'),
    sourceEventId: text('source_event_id'),
    occurredAt: at('occurred_at'),
    sender: text('sender'),
    dedupeKey: text('dedupe_key'),
    duplicateOf: uuid('duplicate_of'),
    latestRunId: uuid('latest_run_id'),
    state: text('state').notNull(),
    reason: text('reason'),
    eraseAt: at('erase_at'),
    erasedAt: at('erased_at'),
    erasedBy: text('erased_by'),
  },
  (table) => [
    index('events_by_integration').on(table.integrationId, table.id),
    index('events_by_dedupe_key').on(table.dedupeKey).where(sql`dedupe_key IS NOT NULL`),
    index('events_by_source_delivery').on(table.sourceDeliveryId).where(sql`source_delivery_id IS NOT NULL`),
    index('events_by_source_event').on(table.sourceEventId).where(sql`source_event_id IS NOT NULL`),
    index('events_quarantined').on(table.integrationId).where(sql`state = 'quarantined'`),
    index('events_to_erase').on(table.eraseAt, table.id).where(sql`erase_at IS NOT NULL`),
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
    retries: smallint('retries').notNull().default(0),
    stops: smallint('stops').notNull().default(0),
    dueAt: at('due_at'),
    functionVersions: text('function_versions'),
    deliveriesOpen: integer('deliveries_open').notNull().default(0),
    deliveriesDead: integer('deliveries_dead').notNull().default(0),
    answer: text('answer'),
    startedAt: at('started_at'),
    endedAt: at('ended_at'),
  },
  (table) => [
    index('runs_by_event').on(table.eventId),
    index('runs_to_do').on(table.queuedAt).where(sql`state IN ('queued', 'running', 'retrying')`),
    index('runs_ahead')
      .on(table.integrationId, table.eventId)
      .where(sql`state IN ('queued', 'running', 'retrying')`),
    index('runs_dead').on(table.integrationId, table.endedAt).where(sql`state = 'dead'`),
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
    call: text('call'),
    functionVersion: text('function_version'),
    wallMs: integer('wall_ms').notNull(),
    cpuMs: integer('cpu_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.runId, table.position] })],
)

/**
 * One item of a run for one destination. Where its event has redacted fields, `shown` is what is shown of the item, and
 * `hidden` is what must not be shown of it anywhere.
 */
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
    shown: text('shown'),
    hidden: text('hidden'),
    state: text('state').notNull(),
    reason: text('reason'),
    tries: smallint('tries').notNull().default(0),
    // Not only of probes: of each attempt that used up no try.
    uncounted: smallint('probes').notNull().default(0),
    priority: smallint('priority').notNull().default(5),
    orderKey: text('order_key'),
    holdsOnDead: boolean('holds_on_dead').notNull().default(false),
    uniqueKey: text('unique_key'),
    batchId: uuid('batch_id'),
    replayOf: uuid('replay_of'),
    dueAt: at('due_at').notNull(),
    queuedAt: at('queued_at').notNull(),
    leaseUntil: at('lease_until'),
    endedAt: at('ended_at'),
  },
  (table) => [
    index('deliveries_by_run').on(table.runId),
    index('deliveries_by_event').on(table.eventId),
    index('deliveries_by_destination').on(table.destinationId, table.id),
    index('deliveries_due').on(table.destinationId, table.dueAt).where(sql`state IN ('delayed', 'retrying')`),
    index('deliveries_waiting')
      .on(table.destinationId, table.priority, table.eventId, table.id)
      .where(sql`state = 'waiting'`),
    index('deliveries_in_flight')
      .on(table.destinationId, table.id)
      .where(sql`state IN ('queued', 'sending')`),
    index('deliveries_ordered')
      .on(table.destinationId, table.orderKey, table.eventId, table.id)
      .where(
        sql`order_key IS NOT NULL AND state IN ('delayed', 'waiting', 'queued', 'sending', 'retrying', 'dead')`,
      ),
    index('deliveries_unique')
      .on(table.destinationId, table.uniqueKey, table.eventId, table.id)
      .where(
        sql`unique_key IS NOT NULL AND state IN ('delayed', 'waiting', 'queued', 'sending', 'retrying')`,
      ),
    index('deliveries_dead').on(table.destinationId, table.endedAt).where(sql`state = 'dead'`),
    index('deliveries_by_batch').on(table.batchId, table.id).where(sql`batch_id IS NOT NULL`),
  ],
)

/**
 * One try of a delivery. Those of one batch are one push: what it sent and what came back stands with the first of
 * them, to which the others lead.
 */
export const attempts = pgTable(
  'attempts',
  {
    id: uuid('id').primaryKey(),
    deliveryId: uuid('delivery_id').notNull(),
    destinationId: uuid('destination_id').notNull(),
    number: smallint('number').notNull(),
    startedAt: at('started_at').notNull(),
    request: text('request').notNull(),
    verdict: text('verdict').notNull(),
    reason: text('reason').notNull(),
    status: smallint('status'),
    responseHeaders: text('response_headers'),
    responseBody: bytea('response_body'),
    timing: text('timing').notNull(),
    batchId: uuid('batch_id'),
    pushedWith: uuid('pushed_with'),
  },
  (table) => [
    index('attempts_by_delivery').on(table.deliveryId),
    index('attempts_by_destination').on(table.destinationId, table.id).where(sql`pushed_with IS NULL`),
  ],
)

/** What holds for all deliveries to a destination; one that was never held back or counted has no row. */
export const destinationStates = pgTable('destination_states', {
  destinationId: uuid('destination_id').primaryKey(),
  pausedAt: at('paused_at'),
  pauseReason: text('pause_reason'),
  openedAt: at('opened_at'),
  openReason: text('open_reason'),
  openings: smallint('openings').notNull().default(0),
  closedAt: at('closed_at'),
  probeAt: at('probe_at'),
  probeDeliveryId: uuid('probe_delivery_id'),
  rateFreeAt: at('rate_free_at'),
})

/** A replay of many, worked off by and by; within one application where its filter names one. */
export const replays = pgTable(
  'replays',
  {
    id: uuid('id').primaryKey(),
    applicationId: uuid('application_id'),
    of: text('of').notNull(),
    filter: text('filter').notNull(),
    definition: text('definition').notNull(),
    perSecond: integer('per_second').notNull(),
    state: text('state').notNull(),
    matched: integer('matched').notNull(),
    done: integer('done').notNull().default(0),
    failed: integer('failed').notNull().default(0),
    nextAt: at('next_at').notNull(),
    endedAt: at('ended_at'),
  },
  (table) => [
    index('replays_to_do').on(table.nextAt).where(sql`state = 'running'`),
    index('replays_by_end').on(table.endedAt).where(sql`ended_at IS NOT NULL`),
  ],
)

/** What a replay has still to take up, and what it could not. */
export const replayItems = pgTable(
  'replay_items',
  {
    replayId: uuid('replay_id')
      .notNull()
      .references(() => replays.id, { onDelete: 'cascade' }),
    subjectId: uuid('subject_id').notNull(),
    kind: text('kind').notNull(),
    refusal: text('refusal'),
  },
  (table) => [
    primaryKey({ columns: [table.replayId, table.subjectId] }),
    index('replay_items_to_do').on(table.replayId, table.subjectId).where(sql`refusal IS NULL`),
  ],
)

/** The search for one person's data and its deletion, worked off by and by. `search` is sealed, and gone with the end. */
export const erasures = pgTable(
  'erasures',
  {
    id: uuid('id').primaryKey(),
    state: text('state').notNull(),
    search: text('search'),
    partsOfWords: boolean('parts_of_words').notNull(),
    applicationId: uuid('application_id'),
    integrationId: text('integration_id'),
    receivedFrom: at('received_from'),
    receivedBefore: at('received_before'),
    reason: text('reason').notNull(),
    requestedBy: text('requested_by').notNull(),
    lookingAt: text('looking_at').notNull(),
    lookedTo: uuid('looked_to'),
    looked: integer('looked').notNull().default(0),
    matched: integer('matched').notNull().default(0),
    unfinished: text('unfinished'),
    erased: integer('erased').notNull().default(0),
    kept: integer('kept').notNull().default(0),
    nextAt: at('next_at').notNull(),
    foundAt: at('found_at'),
    confirmedAt: at('confirmed_at'),
    endedAt: at('ended_at'),
  },
  (table) => [index('erasures_to_do').on(table.nextAt).where(sql`state IN ('searching', 'erasing')`)],
)

/** What an erasure found and has not erased; `refusal` says why it never will. */
export const erasureItems = pgTable(
  'erasure_items',
  {
    erasureId: uuid('erasure_id')
      .notNull()
      .references(() => erasures.id, { onDelete: 'cascade' }),
    subjectId: uuid('subject_id').notNull(),
    kind: text('kind').notNull(),
    refusal: text('refusal'),
  },
  (table) => [primaryKey({ columns: [table.erasureId, table.subjectId] })],
)
