import type { Context } from 'hono'
import { type Json, parseExact, stringifyExact } from '../payload/exact-json.ts'
import { newId } from '../platform/ids.ts'
import type { Sql } from '../platform/postgres.ts'
import type { Change, Difference, Witness } from '../platform/witness.ts'
import type { Caller } from './caller.ts'

/** What was done: `cancel` of one of the `deliveries`. */
export interface Deed {
  action: string
  resource: string
  /** Where the room that changes the thing does not know whose it is. */
  applicationId?: string | null
  /** What is to be told beside what the thing became. */
  also?: readonly Difference[]
}

export type Author = Pick<Caller, 'keyId' | 'name'> & { sourceIp: string | null }

export interface AuditEntry {
  id: string
  at: Date
  /** Null for the key of the settings, and for what the command line and the program itself did. */
  keyId: string | null
  who: string
  sourceIp: string | null
  applicationId: string | null
  action: string
  resource: string
  resourceId: string
  differences: Difference[]
}

export interface AuditFilter {
  applicationId?: string | undefined
  resource?: string | undefined
  resourceId?: string | undefined
  action?: string | undefined
  keyId?: string | undefined
  sourceIp?: string | undefined
  from?: Date | undefined
  to?: Date | undefined
  before?: string | undefined
  limit: number
}

const DIFFERENCES_MAX = 200
const VALUE_CHARS_MAX = 4_000

/** Writes changes down as those of an author. */
export function witnessOf(author: Author, { action, resource, ...deed }: Deed): Witness {
  return async (transaction, { id, applicationId, differences }) => {
    const told = [...differences, ...(deed.also ?? [])]
    await transaction`
      INSERT INTO audit_log (id, key_id, who, source_ip, application_id, action, resource, resource_id, differences)
      VALUES (${newId()}, ${author.keyId}, ${author.name}, ${author.sourceIp},
              ${deed.applicationId ?? applicationId}, ${action}, ${resource}, ${id}, ${written(told)})`
  }
}

/** {@link witnessOf} whoever asks the API. */
export function witnessIn(context: Context, deed: Deed): Witness {
  return witnessOf(context.get('caller'), deed)
}

export interface Audit {
  /**
   * Writes down what changes nothing here but is seen outside, such as a test request. It comes before the deed, so that
   * none goes untold.
   */
  note(context: Context, deed: Deed, thing: Pick<Change, 'id' | 'applicationId'>): Promise<void>
  /** Newest first. */
  find(filter: AuditFilter): Promise<AuditEntry[]>
}

export function createAudit(sql: Sql): Audit {
  return {
    async note(context, deed, { id, applicationId }) {
      const change = { id, applicationId, differences: [] }
      await sql.begin((transaction) => witnessIn(context, deed)(transaction, change))
    },
    find: (filter) => findEntries(sql, filter),
  }
}

async function findEntries(sql: Sql, filter: AuditFilter): Promise<AuditEntry[]> {
  const { applicationId, resource, resourceId, action, keyId, sourceIp, from, to, before, limit } = filter
  const rows = await sql<(Omit<AuditEntry, 'differences'> & { differences: string })[]>`
    SELECT id, at, key_id AS "keyId", who, source_ip AS "sourceIp", application_id AS "applicationId", action, resource,
           resource_id AS "resourceId", differences
    FROM audit_log WHERE true
    ${applicationId === undefined ? sql`` : sql`AND application_id = ${applicationId}`}
    ${resource === undefined ? sql`` : sql`AND resource = ${resource}`}
    ${resourceId === undefined ? sql`` : sql`AND resource_id = ${resourceId}`}
    ${action === undefined ? sql`` : sql`AND action = ${action}`}
    ${keyId === undefined ? sql`` : sql`AND key_id = ${keyId}`}
    ${sourceIp === undefined ? sql`` : sql`AND source_ip = ${sourceIp}`}
    ${from === undefined ? sql`` : sql`AND at >= ${from}`}
    ${to === undefined ? sql`` : sql`AND at < ${to}`}
    ${before === undefined ? sql`` : sql`AND id < ${before}`}
    ORDER BY id DESC LIMIT ${limit}`
  return rows.map(({ differences, ...row }) => ({
    ...row,
    differences: parseExact(differences) as unknown as Difference[],
  }))
}

/** Forgets what was written so long ago, a bounded number at a time. */
export async function dropOldEntries(sql: Sql, before: Date, limit: number): Promise<void> {
  await sql`
    DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE at < ${before} ORDER BY id LIMIT ${limit})`
}

/** A definition may be megabytes: what is long is cut, and its versions keep the rest. */
function written(differences: readonly Difference[]): string {
  const told = differences.slice(0, DIFFERENCES_MAX).map(
    ({ path, ...values }): Difference => ({
      path,
      ...Object.fromEntries(Object.entries(values).map(([side, value]) => [side, cut(value ?? null)])),
    }),
  )
  const more = differences.length - told.length
  if (more > 0) told.push({ path: '', after: `… and ${more} more` })
  return stringifyExact(told as unknown as Json)
}

function cut(value: unknown): unknown {
  const text = stringifyExact(value as Json)
  if (text.length <= VALUE_CHARS_MAX) return value
  return `${text.slice(0, VALUE_CHARS_MAX)}… (${text.length} characters)`.toWellFormed()
}
