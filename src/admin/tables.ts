import { index, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'

const at = (name: string) => timestamp(name, { withTimezone: true })

/** Keys of the management API: only their hash is kept. Without an application a key is for all of them. */
export const apiKeys = pgTable('api_keys', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  hash: text('hash').notNull().unique(),
  role: text('role').notNull(),
  applicationId: uuid('application_id'),
  createdAt: at('created_at').notNull().defaultNow(),
  expiresAt: at('expires_at'),
  lastUsedAt: at('last_used_at'),
})

/** Every change, with who made it. It outlives the things it tells of, so it refers to none of them. */
export const auditLog = pgTable(
  'audit_log',
  {
    id: uuid('id').primaryKey(),
    at: at('at').notNull().defaultNow(),
    keyId: uuid('key_id'),
    who: text('who').notNull(),
    sourceIp: text('source_ip'),
    applicationId: uuid('application_id'),
    action: text('action').notNull(),
    resource: text('resource').notNull(),
    resourceId: text('resource_id').notNull(),
    differences: text('differences').notNull(),
  },
  (table) => [
    index('audit_log_by_application').on(table.applicationId, table.id),
    index('audit_log_by_resource').on(table.resource, table.resourceId, table.id),
  ],
)
