import { sql } from 'drizzle-orm'
import { boolean, index, pgTable, smallint, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core'

const at = (name: string) => timestamp(name, { withTimezone: true })

/**
 * Where alerts are sent: about one application, or about all. The config holds sealed secrets; empty lists let
 * everything pass.
 */
export const alertChannels = pgTable('alert_channels', {
  id: uuid('id').primaryKey(),
  applicationId: uuid('application_id'),
  name: text('name').notNull(),
  enabled: boolean('enabled').notNull().default(true),
  config: text('config').notNull(),
  conditions: text('conditions').array().notNull().default(sql`'{}'`),
  applications: uuid('applications').array().notNull().default(sql`'{}'`),
  integrations: text('integrations').array().notNull().default(sql`'{}'`),
  destinations: uuid('destinations').array().notNull().default(sql`'{}'`),
  createdAt: at('created_at').notNull().defaultNow(),
  updatedAt: at('updated_at').notNull().defaultNow(),
})

/** The limits of a condition where they are not the usual ones: for everything, or for the one thing that is named. */
export const alertRules = pgTable(
  'alert_rules',
  {
    id: uuid('id').primaryKey(),
    condition: text('condition').notNull(),
    applicationId: uuid('application_id'),
    integrationId: text('integration_id'),
    destinationId: uuid('destination_id'),
    enabled: boolean('enabled').notNull().default(true),
    limits: text('limits').notNull(),
    createdAt: at('created_at').notNull().defaultNow(),
    updatedAt: at('updated_at').notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('alert_rules_of_subject').on(
      table.condition,
      sql`coalesce(application_id::text, '')`,
      sql`coalesce(integration_id, '')`,
      sql`coalesce(destination_id::text, '')`,
    ),
  ],
)

/** What is or was wrong, once for as long as it lasts; with an edge itself, where no application is named. */
export const incidents = pgTable(
  'incidents',
  {
    id: uuid('id').primaryKey(),
    condition: text('condition').notNull(),
    subject: text('subject').notNull(),
    applicationId: uuid('application_id'),
    integrationId: text('integration_id'),
    destinationId: uuid('destination_id'),
    sentence: text('sentence').notNull(),
    openedAt: at('opened_at').notNull(),
    lastSeenAt: at('last_seen_at').notNull(),
    recoveredAt: at('recovered_at'),
  },
  (table) => [
    uniqueIndex('incidents_open').on(table.condition, table.subject).where(sql`recovered_at IS NULL`),
    index('incidents_by_recovery').on(table.recoveredAt).where(sql`recovered_at IS NOT NULL`),
  ],
)

/** What is to be told to a channel, until it was; each channel hears it in the order of the ids. */
export const alertMessages = pgTable(
  'alert_messages',
  {
    id: uuid('id').primaryKey(),
    channelId: uuid('channel_id')
      .notNull()
      .references(() => alertChannels.id, { onDelete: 'cascade' }),
    kind: text('kind').notNull(),
    incidentId: uuid('incident_id').references(() => incidents.id, { onDelete: 'cascade' }),
    content: text('content'),
    createdAt: at('created_at').notNull(),
    dueAt: at('due_at').notNull(),
    tries: smallint('tries').notNull().default(0),
    sentAt: at('sent_at'),
    givenUpAt: at('given_up_at'),
    note: text('note'),
  },
  (table) => [
    index('alert_messages_waiting')
      .on(table.channelId, table.id)
      .where(sql`sent_at IS NULL AND given_up_at IS NULL`),
    index('alert_messages_by_incident').on(table.incidentId),
  ],
)
