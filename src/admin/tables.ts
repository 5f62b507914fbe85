import { pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'

/** Keys of the management API: only their hash is kept. */
export const apiKeys = pgTable('api_keys', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  hash: text('hash').notNull().unique(),
  applicationId: uuid('application_id'),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
})
