import type { Sql } from '../platform/postgres.ts'
import { type Erasing, eraseEvent } from './erase.ts'

/** How long an integration keeps what its ended events carried, from their receipt on; null for as long as the rest. */
export interface KeptFor {
  /** The values of redacted fields. */
  fieldsHours: number | null
  contentDays: number | null
}

interface DueEvent {
  id: string
  integrationId: string
  receivedAt: Date
  eraseAt: Date
  hasFields: boolean
}

const HOUR_MS = 3_600_000
const PAGE = 200

/**
 * Erases what is due of events that have ended, each in a transaction of its own; what has not ended is looked at again
 * with the next call. Gives how many events it erased something of.
 *
 * @param keptFor as it is agreed today, which may be another time than when an event came in
 */
export async function eraseDue(
  sql: Sql,
  keptFor: (integrationId: string) => KeptFor,
  now: Date,
  signal: AbortSignal,
): Promise<number> {
  let erased = 0
  let after: Pick<DueEvent, 'eraseAt' | 'id'> | undefined
  while (!signal.aborted) {
    const page = await findDue(sql, now, after)
    for (const event of page) {
      if (signal.aborted) return erased
      if (await eraseIfDue(sql, event, keptFor(event.integrationId), now)) erased += 1
    }
    after = page.at(-1)
    if (page.length < PAGE) return erased
  }
  return erased
}

async function findDue(
  sql: Sql,
  now: Date,
  after: Pick<DueEvent, 'eraseAt' | 'id'> | undefined,
): Promise<DueEvent[]> {
  const rows = await sql<DueEvent[]>`
    SELECT id, integration_id AS "integrationId", received_at AS "receivedAt", erase_at AS "eraseAt",
           shown IS NOT NULL AND erased_at IS NULL AS "hasFields"
    FROM events WHERE erase_at IS NOT NULL AND erase_at <= ${now}
    ${after === undefined ? sql`` : sql`AND (erase_at, id) > (${after.eraseAt}, ${after.id}::uuid)`}
    ORDER BY erase_at, id LIMIT ${PAGE}`
  return [...rows]
}

async function eraseIfDue(sql: Sql, event: DueEvent, keptFor: KeptFor, now: Date): Promise<boolean> {
  const after = (hours: number | null) =>
    hours === null ? null : new Date(event.receivedAt.getTime() + hours * HOUR_MS)
  const fieldsAt = event.hasFields ? after(keptFor.fieldsHours) : null
  const contentAt = after(keptFor.contentDays === null ? null : keptFor.contentDays * 24)
  const isDue = (at: Date | null) => at !== null && at <= now
  const what = isDue(contentAt) ? 'content' : isDue(fieldsAt) ? 'fields' : undefined
  return sql.begin(async (transaction) => {
    if (what !== undefined) {
      const by = what === 'content' ? 'retention' : 'redaction'
      const erasing: Erasing = { what, by, unfinished: 'keep' }
      if ((await eraseEvent(transaction, event.id, erasing)) !== 'erased') return false
    }
    const next = what === 'content' ? null : what === 'fields' ? contentAt : earlier(fieldsAt, contentAt)
    await transaction`UPDATE events SET erase_at = ${next} WHERE id = ${event.id}`
    return what !== undefined
  })
}

function earlier(left: Date | null, right: Date | null): Date | null {
  if (left === null || right === null) return left ?? right
  return left < right ? left : right
}
