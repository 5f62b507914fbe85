import type { Sql, Transaction } from '../platform/postgres.ts'
import type { About } from './channels.ts'

/** Something that is or was wrong, once for as long as it lasts. */
export interface Incident extends About {
  id: string
  condition: string
  sentence: string
  openedAt: Date
  lastSeenAt: Date
  /** Null while it lasts. */
  recoveredAt: Date | null
}

/** What is wrong now, as a condition found it. */
export interface Seen extends About {
  id: string
  condition: string
  /** With the condition: what can be wrong once at a time. */
  subject: string
  sentence: string
}

export interface IncidentFilter {
  state?: 'open' | 'recovered' | undefined
  condition?: string | undefined
  applicationId?: string | undefined
  integrationId?: string | undefined
  destinationId?: string | undefined
  before?: string | undefined
  limit: number
}

export interface IncidentMessage {
  id: string
  channelId: string
  kind: string
  createdAt: Date
  sentAt: Date | null
  givenUpAt: Date | null
  tries: number
  note: string | null
}

const INCIDENT = `id, condition, application_id AS "applicationId", integration_id AS "integrationId",
  destination_id AS "destinationId", sentence, opened_at AS "openedAt", last_seen_at AS "lastSeenAt",
  recovered_at AS "recoveredAt"`

/** Newest first. */
export async function findIncidents(sql: Sql, filter: IncidentFilter): Promise<Incident[]> {
  const { state, condition, applicationId, integrationId, destinationId, before, limit } = filter
  const rows = await sql<Incident[]>`
    SELECT ${sql.unsafe(INCIDENT)} FROM incidents
    WHERE true
    ${state === 'open' ? sql`AND recovered_at IS NULL` : sql``}
    ${state === 'recovered' ? sql`AND recovered_at IS NOT NULL` : sql``}
    ${condition === undefined ? sql`` : sql`AND condition = ${condition}`}
    ${applicationId === undefined ? sql`` : sql`AND application_id = ${applicationId}`}
    ${integrationId === undefined ? sql`` : sql`AND integration_id = ${integrationId}`}
    ${destinationId === undefined ? sql`` : sql`AND destination_id = ${destinationId}`}
    ${before === undefined ? sql`` : sql`AND id < ${before}`}
    ORDER BY id DESC LIMIT ${limit}`
  return [...rows]
}

export async function readIncident(sql: Sql, id: string): Promise<Incident | undefined> {
  const [incident] = await sql<Incident[]>`SELECT ${sql.unsafe(INCIDENT)} FROM incidents WHERE id = ${id}`
  return incident
}

/** One incident with what was told of it; where an application is named, on its own channels alone. */
export async function findIncident(
  sql: Sql,
  id: string,
  ofApplication: string | undefined,
): Promise<(Incident & { messages: IncidentMessage[] }) | undefined> {
  const incident = await readIncident(sql, id)
  if (!incident) return undefined
  const messages = await sql<IncidentMessage[]>`
    SELECT message.id, channel_id AS "channelId", kind, message.created_at AS "createdAt", sent_at AS "sentAt",
           given_up_at AS "givenUpAt", tries, note
    FROM alert_messages message JOIN alert_channels channel ON channel.id = channel_id
    WHERE incident_id = ${id}
    ${ofApplication === undefined ? sql`` : sql`AND application_id = ${ofApplication}`}
    ORDER BY message.id`
  return { ...incident, messages: [...messages] }
}

export async function countOpenIncidents(sql: Sql): Promise<Map<string, number>> {
  const rows = await sql<{ condition: string; open: number }[]>`
    SELECT condition, count(*)::int AS open FROM incidents WHERE recovered_at IS NULL GROUP BY condition`
  return new Map(rows.map(({ condition, open }) => [condition, open]))
}

/**
 * Writes down what is wrong now, and gives those that were not known before. Dated by the clock of the database, which
 * is the same for all processes.
 */
export async function seeIncidents(transaction: Transaction, seen: readonly Seen[]): Promise<Incident[]> {
  const rows = JSON.stringify(
    seen.map(({ id, condition, subject, sentence, applicationId, integrationId, destinationId }) => ({
      id,
      condition,
      subject,
      sentence,
      application_id: applicationId,
      integration_id: integrationId,
      destination_id: destinationId,
    })),
  )
  // One more of the same conflicts with the one that is open, which so is only dated anew.
  const opened = await transaction<(Incident & { isNew: boolean })[]>`
    INSERT INTO incidents AS known (id, condition, subject, sentence, application_id, integration_id,
                                    destination_id, opened_at, last_seen_at)
    SELECT given.*, now(), now() FROM json_to_recordset(${rows}::text::json) AS given(
      id uuid, condition text, subject text, sentence text, application_id uuid, integration_id text,
      destination_id uuid)
    ON CONFLICT (condition, subject) WHERE recovered_at IS NULL DO UPDATE
      SET last_seen_at = excluded.last_seen_at, sentence = excluded.sentence
    RETURNING ${transaction.unsafe(INCIDENT)}, old.id IS NULL AS "isNew"`
  return opened.filter(({ isNew }) => isNew)
}

/**
 * Ends what was not seen for so long, of the conditions that were looked at.
 *
 * @param calmMs what comes and goes within it stays one incident
 */
export async function endIncidents(
  transaction: Transaction,
  conditions: readonly string[],
  calmMs: number,
): Promise<string[]> {
  const rows = await transaction<{ id: string }[]>`
    UPDATE incidents SET recovered_at = now()
    WHERE recovered_at IS NULL AND condition = ANY(${[...conditions]}::text[])
      AND last_seen_at < now() AND last_seen_at <= now() - make_interval(secs => ${calmMs / 1_000})
    RETURNING id`
  return rows.map(({ id }) => id)
}

/** A bounded number at a time, with what was told of them. */
export async function forgetIncidents(
  transaction: Transaction,
  keptDays: number,
  limit: number,
): Promise<void> {
  await transaction`
    DELETE FROM incidents WHERE id IN (
      SELECT id FROM incidents WHERE recovered_at < now() - make_interval(days => ${keptDays}) LIMIT ${limit})`
}
