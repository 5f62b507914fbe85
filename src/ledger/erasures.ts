import type { Sql } from '../platform/postgres.ts'
import type { Witness } from '../platform/witness.ts'
import { decide } from './snapshots.ts'

/** Where one person's data is looked for. */
export interface ErasureScope {
  applicationId: string | null
  integrationId: string | null
  receivedFrom: Date | null
  receivedBefore: Date | null
}

export interface NewErasure extends ErasureScope {
  id: string
  /** Sealed: it is personal data itself. */
  search: string
  partsOfWords: boolean
  reason: string
  requestedBy: string
}

export type ErasureState = 'searching' | 'found' | 'erasing' | 'done' | 'cancelled'

/** The search for one person's data, and its deletion. */
export interface ErasureRow extends ErasureScope {
  id: string
  state: ErasureState
  partsOfWords: boolean
  reason: string
  requestedBy: string
  /** Events and requests that were looked at. */
  looked: number
  /** What was found: it is fixed when the search is over. */
  matched: number
  erased: number
  /** What was not, because it is not finished and was to stay. */
  kept: number
  unfinished: 'keep' | 'discard' | null
  madeAt: Date
  foundAt: Date | null
  confirmedAt: Date | null
  endedAt: Date | null
}

export interface ErasureItem {
  id: string
  kind: 'event' | 'request'
  /** Of an event, at this moment. */
  state: string | null
  /** Why it was not erased. */
  refusal: string | null
}

export type ErasureDetail = ErasureRow & {
  /** Found events by their state. */
  states: Record<string, number>
  sample: ErasureItem[]
}

const ERASURE = `id, state, parts_of_words AS "partsOfWords", application_id AS "applicationId",
  integration_id AS "integrationId", received_from AS "receivedFrom", received_before AS "receivedBefore", reason,
  requested_by AS "requestedBy", looked, matched, erased, kept, unfinished, uuid_extract_timestamp(id) AS "madeAt",
  found_at AS "foundAt", confirmed_at AS "confirmedAt", ended_at AS "endedAt"`

/** Writes down what is to be looked for; the search goes on by itself. */
export async function startErasure(
  sql: Sql,
  erasure: NewErasure,
  witness: Witness | undefined,
): Promise<void> {
  const { id, search, partsOfWords, applicationId, integrationId, receivedFrom, receivedBefore } = erasure
  await decide(
    sql,
    'erasure',
    id,
    witness,
    (transaction) =>
      transaction`
    INSERT INTO erasures (id, state, search, parts_of_words, application_id, integration_id, received_from,
                          received_before, reason, requested_by, looking_at, next_at)
    VALUES (${id}, 'searching', ${search}, ${partsOfWords}, ${applicationId}, ${integrationId}, ${receivedFrom},
            ${receivedBefore}, ${erasure.reason}, ${erasure.requestedBy}, 'events', now())`,
  )
}

/** Newest first. */
export async function listErasures(
  sql: Sql,
  filter: { applicationId?: string | undefined; before?: string | undefined; limit: number },
): Promise<ErasureRow[]> {
  const { applicationId, before, limit } = filter
  const rows = await sql<ErasureRow[]>`
    SELECT ${sql.unsafe(ERASURE)} FROM erasures WHERE true
    ${applicationId === undefined ? sql`` : sql`AND application_id = ${applicationId}`}
    ${before === undefined ? sql`` : sql`AND id < ${before}`}
    ORDER BY id DESC LIMIT ${limit}`
  return [...rows]
}

export async function findErasure(
  sql: Sql,
  id: string,
  sampleMax: number,
): Promise<ErasureDetail | undefined> {
  const [erasure] = await sql<ErasureRow[]>`SELECT ${sql.unsafe(ERASURE)} FROM erasures WHERE id = ${id}`
  if (!erasure) return undefined
  const states = await sql<{ state: string; events: number }[]>`
    SELECT event.state, count(*)::int AS events FROM erasure_items item JOIN events event ON event.id = item.subject_id
    WHERE item.erasure_id = ${id} AND item.kind = 'event' GROUP BY event.state`
  const sample = await sql<ErasureItem[]>`
    SELECT item.subject_id AS id, item.kind, event.state, item.refusal
    FROM erasure_items item LEFT JOIN events event ON event.id = item.subject_id
    WHERE item.erasure_id = ${id} ORDER BY item.refusal IS NULL, item.subject_id DESC LIMIT ${sampleMax}`
  return {
    ...erasure,
    states: Object.fromEntries(states.map(({ state, events }) => [state, events])),
    sample: [...sample],
  }
}

/** Lets go what was found. False when the search is not over, or it was decided about already. */
export function confirmErasure(
  sql: Sql,
  id: string,
  unfinished: 'keep' | 'discard',
  witness: Witness | undefined,
): Promise<boolean> {
  return decide(sql, 'erasure', id, witness, async (transaction) => {
    const rows = await transaction`
      UPDATE erasures SET state = 'erasing', unfinished = ${unfinished}, confirmed_at = now(), next_at = now()
      WHERE id = ${id} AND state = 'found' RETURNING id`
    return rows.length === 1
  })
}

/** Ends it where it is. False when it has ended; what was erased is gone. */
export function cancelErasure(sql: Sql, id: string, witness: Witness | undefined): Promise<boolean> {
  return decide(sql, 'erasure', id, witness, async (transaction) => {
    const rows = await transaction`
      WITH cancelled AS (
        UPDATE erasures SET state = 'cancelled', search = NULL, ended_at = now()
        WHERE id = ${id} AND state IN ('searching', 'found', 'erasing') RETURNING id
      ), dropped AS (
        DELETE FROM erasure_items USING cancelled WHERE erasure_id = cancelled.id
      )
      SELECT id FROM cancelled`
    return rows.length === 1
  })
}
