import { sql } from 'drizzle-orm'
import {
  boolean,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'

const createdAt = timestamp('created_at', { withTimezone: true }).notNull().defaultNow()
const updatedAt = timestamp('updated_at', { withTimezone: true }).notNull().defaultNow()

export const applications = pgTable('applications', {
  id: uuid('id').primaryKey(),
  slug: text('slug').notNull().unique(),
  name: text('name').notNull(),
  webhooksEnabled: boolean('webhooks_enabled').notNull().default(true),
  allowedList: text('allowed_list').array().notNull().default(sql`'{}'`),
  createdAt,
  updatedAt,
})

/**
 * Definitions are text, not jsonb: jsonb would be read back through a double and round long integers, and it
 * cannot hold every string that JSON can.
 */
export const integrations = pgTable('integrations', {
  id: text('id').primaryKey(),
  applicationId: uuid('application_id')
    .notNull()
    .references(() => applications.id),
  name: text('name').notNull(),
  enabled: boolean('enabled').notNull().default(true),
  definition: text('definition').notNull(),
  version: integer('version').notNull().default(1),
  createdAt,
  updatedAt,
})

/** Each version that an integration ever had: a run keeps its own. */
export const integrationVersions = pgTable(
  'integration_versions',
  {
    integrationId: text('integration_id').notNull(),
    version: integer('version').notNull(),
    definition: text('definition').notNull(),
    createdAt,
  },
  (table) => [primaryKey({ columns: [table.integrationId, table.version] })],
)

export const destinations = pgTable('destinations', {
  id: uuid('id').primaryKey(),
  applicationId: uuid('application_id')
    .notNull()
    .references(() => applications.id),
  name: text('name').notNull(),
  enabled: boolean('enabled').notNull().default(true),
  config: text('config').notNull(),
  createdAt,
  updatedAt,
})

/** Functions without an application come from `rewrite-functions/*.js` and may be used by all. */
export const rewriteFunctions = pgTable(
  'rewrite_functions',
  {
    id: uuid('id').primaryKey(),
    applicationId: uuid('application_id').references(() => applications.id),
    name: text('name').notNull(),
    version: text('version').notNull(),
    enabled: boolean('enabled').notNull().default(true),
    createdAt,
    updatedAt,
  },
  (table) => [
    uniqueIndex('rewrite_functions_of_application').on(table.applicationId, table.name),
    uniqueIndex('rewrite_functions_shared').on(table.name).where(sql`application_id IS NULL`),
  ],
)

/** Sources by content: the version is the SHA-256 of the source, and never changes. */
export const rewriteFunctionVersions = pgTable('rewrite_function_versions', {
  version: text('version').primaryKey(),
  source: text('source').notNull(),
  createdAt,
})

/** What a source asked or told before any event, and whether its sender is pinned. */
export const integrationHandshakes = pgTable('integration_handshakes', {
  integrationId: text('integration_id')
    .primaryKey()
    .references(() => integrations.id, { onDelete: 'cascade' }),
  waitingUntil: timestamp('waiting_until', { withTimezone: true }),
  pinned: text('pinned'),
  kind: text('kind'),
  note: text('note'),
  receivedAt: timestamp('received_at', { withTimezone: true }),
})

/** When each secret last proved a request, so that an operator sees when an old one may go. */
export const secretUses = pgTable(
  'secret_uses',
  {
    integrationId: text('integration_id')
      .notNull()
      .references(() => integrations.id, { onDelete: 'cascade' }),
    secretId: text('secret_id').notNull(),
    lastUsedAt: timestamp('last_used_at', { withTimezone: true }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.integrationId, table.secretId] })],
)

/** The lists of addresses that sources publish, as they were last fetched. */
export const publishedAddresses = pgTable('published_addresses', {
  source: text('source').primaryKey(),
  entries: text('entries').array().notNull(),
  fetchedAt: timestamp('fetched_at', { withTimezone: true }).notNull(),
})
