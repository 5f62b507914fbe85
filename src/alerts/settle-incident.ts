import type { Sql, Transaction } from '../platform/postgres.ts'
import { type Incident, seeIncidents } from './incidents.ts'
import { findTold, tellChannels } from './messages.ts'

/** A message about the beginning of an incident that was sent before there was a row for it. */
export interface ToldAlready {
  id: string
  channelId: string
  createdAt: Date
  sentAt: Date
  /** What an operator should know although it was sent. */
  note: string | null
}

export interface Settling {
  condition: string
  /** Whoever sees its incidents and ends them, which is nobody else. */
  subject: string
  /** What is wrong, or was and is not written down yet; undefined when all is well. */
  incident: Incident | undefined
  told: readonly ToldAlready[]
  /** Who is to be told of one that is new. */
  channelIds: readonly string[]
  /** What comes and goes within it stays one incident. */
  calmMs: number
}

/**
 * Writes down what is wrong with one thing that looks at itself, and ends what is over, with the messages about both.
 * Gives whether an incident of it is open.
 */
export async function settleIncident(sql: Sql, settling: Settling): Promise<boolean> {
  return sql.begin(async (transaction) => {
    const { incident, condition, subject } = settling
    if (incident) await see(transaction, incident, settling)
    const ended = await endOver(transaction, settling)
    const told = await findTold(transaction, ended)
    await tellChannels(
      transaction,
      told.map((one) => ({ ...one, kind: 'recovered' as const })),
    )
    const open = await transaction`
      SELECT 1 FROM incidents WHERE condition = ${condition} AND subject = ${subject} AND recovered_at IS NULL`
    return open.length > 0
  })
}

async function see(transaction: Transaction, incident: Incident, settling: Settling): Promise<void> {
  const { subject, told, channelIds } = settling
  const [opened] = await seeIncidents(transaction, [{ ...incident, subject }])
  if (!opened) return
  await transaction`
    UPDATE incidents SET opened_at = least(opened_at, ${incident.openedAt}) WHERE id = ${opened.id}`
  for (const { id, channelId, createdAt, sentAt, note } of told) {
    await transaction`
      INSERT INTO alert_messages (id, channel_id, incident_id, kind, created_at, due_at, tries, sent_at, note)
      SELECT ${id}::uuid, channel.id, ${opened.id}::uuid, 'opened', ${createdAt}::timestamptz,
             ${createdAt}::timestamptz, 1, ${sentAt}::timestamptz, ${note}::text
      FROM alert_channels channel WHERE channel.id = ${channelId}`
  }
  const untold = channelIds.filter((channelId) => !told.some((one) => one.channelId === channelId))
  await tellChannels(
    transaction,
    untold.map((channelId) => ({ channelId, incidentId: opened.id, kind: 'opened' as const })),
  )
}

async function endOver(
  transaction: Transaction,
  { condition, subject, calmMs }: Settling,
): Promise<string[]> {
  const rows = await transaction<{ id: string }[]>`
    UPDATE incidents SET recovered_at = now()
    WHERE recovered_at IS NULL AND condition = ${condition} AND subject = ${subject}
      AND last_seen_at < now() AND last_seen_at <= now() - make_interval(secs => ${calmMs / 1_000})
    RETURNING id`
  return rows.map(({ id }) => id)
}
