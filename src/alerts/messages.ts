import { newId } from '../platform/ids.ts'
import type { Sql, Transaction } from '../platform/postgres.ts'

export type MessageKind = 'opened' | 'recovered' | 'attempt_failed' | 'tries_over'

/** A message that this process is to send now. */
export interface TakenMessage {
  id: string
  kind: MessageKind
  createdAt: Date
  /** This time included. */
  tries: number
  incidentId: string | null
  /** JSON of what is told beside an incident. */
  content: string | null
}

/** Puts messages about incidents on their way, in the transaction that opened or ended them: all of it or nothing. */
export async function tellChannels(
  transaction: Transaction,
  told: readonly { channelId: string; incidentId: string; kind: MessageKind }[],
): Promise<void> {
  const rows = JSON.stringify(
    told.map(({ channelId, incidentId, kind }) => ({
      id: newId(),
      channel_id: channelId,
      incident_id: incidentId,
      kind,
    })),
  )
  await transaction`
    INSERT INTO alert_messages (id, channel_id, incident_id, kind, created_at, due_at)
    SELECT id, channel_id, incident_id, kind, now(), now() FROM json_to_recordset(${rows}::text::json) AS given(
      id uuid, channel_id uuid, incident_id uuid, kind text)`
}

/** The channels that were told of the beginning of these incidents, and so are told of their end. */
export async function findTold(
  transaction: Transaction,
  incidentIds: readonly string[],
): Promise<{ channelId: string; incidentId: string }[]> {
  const rows = await transaction<{ channelId: string; incidentId: string }[]>`
    SELECT channel_id AS "channelId", incident_id AS "incidentId" FROM alert_messages
    WHERE incident_id = ANY(${[...incidentIds]}::uuid[]) AND kind = 'opened'
    ORDER BY id`
  return [...rows]
}

/** Adds a message that is about no incident, unless too many wait for the channel already. */
export async function addMessage(
  sql: Sql,
  message: { channelId: string; kind: MessageKind; content: string; waitingMax: number },
): Promise<boolean> {
  const { channelId, kind, content, waitingMax } = message
  const rows = await sql`
    INSERT INTO alert_messages (id, channel_id, kind, content, created_at, due_at)
    SELECT ${newId()}::uuid, channel.id, ${kind}, ${content}, now(), now() FROM alert_channels channel
    WHERE channel.id = ${channelId} AND (
      SELECT count(*) FROM (
        SELECT FROM alert_messages WHERE channel_id = ${channelId} AND sent_at IS NULL AND given_up_at IS NULL
        LIMIT ${waitingMax}) AS waiting) < ${waitingMax}
    RETURNING id`
  return rows.length === 1
}

/** Channels whose next message is due. The others behind it wait, so that nobody hears of an end before its beginning. */
export async function findDueChannels(sql: Sql, limit: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT channel.id FROM alert_channels channel CROSS JOIN LATERAL (
      SELECT due_at FROM alert_messages
      WHERE channel_id = channel.id AND sent_at IS NULL AND given_up_at IS NULL ORDER BY id LIMIT 1) AS next
    WHERE channel.enabled AND next.due_at <= now() ORDER BY next.due_at LIMIT ${limit}`
  return rows.map(({ id }) => id)
}

/**
 * Takes the next message of a channel, if it is due. It counts as due again when the lease is over: a process that
 * ended in the middle may have sent it, and another sends it again under the same id.
 */
export async function takeMessage(
  sql: Sql,
  channelId: string,
  leaseMs: number,
): Promise<TakenMessage | undefined> {
  const [taken] = await sql<TakenMessage[]>`
    UPDATE alert_messages SET tries = tries + 1, due_at = now() + make_interval(secs => ${leaseMs / 1_000})
    WHERE id = (
      SELECT id FROM alert_messages
      WHERE channel_id = ${channelId} AND sent_at IS NULL AND given_up_at IS NULL ORDER BY id LIMIT 1)
      AND sent_at IS NULL AND given_up_at IS NULL AND due_at <= now()
    RETURNING id, kind, incident_id AS "incidentId", content, created_at AS "createdAt", tries`
  return taken
}

/** @param note what an operator should know although it was sent */
export async function messageSent(sql: Sql, id: string, note: string | null): Promise<void> {
  await sql`UPDATE alert_messages SET sent_at = now(), note = ${note} WHERE id = ${id}`
}

export async function messageFailed(sql: Sql, id: string, problem: string, delayMs: number): Promise<void> {
  await sql`
    UPDATE alert_messages SET note = ${problem}, due_at = now() + make_interval(secs => ${delayMs / 1_000})
    WHERE id = ${id} AND sent_at IS NULL`
}

export async function messageGivenUp(sql: Sql, id: string, problem: string): Promise<void> {
  await sql`UPDATE alert_messages SET note = ${problem}, given_up_at = now() WHERE id = ${id} AND sent_at IS NULL`
}

/** Those that belong to no incident; the others go with theirs. */
export async function forgetMessages(
  transaction: Transaction,
  keptDays: number,
  limit: number,
): Promise<void> {
  await transaction`
    DELETE FROM alert_messages WHERE id IN (
      SELECT id FROM alert_messages
      WHERE incident_id IS NULL AND created_at < now() - make_interval(days => ${keptDays}) LIMIT ${limit})`
}
