import { z } from 'zod'
import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
import { isSealed, type Sealer } from '../platform/sealing.ts'
import { type ChannelConfig, channelConfigSchema, mapSecrets } from './channel-config.ts'
import { CONDITION_NAMES } from './conditions/conditions.ts'

const ids = z.array(z.string().min(1).max(100)).max(1_000).default([])
const uuids = z.array(z.uuid()).max(1_000).default([])

/** What a channel wants to be told of. An empty list lets everything pass. */
export const interestFields = {
  conditions: z.array(z.enum(CONDITION_NAMES)).default([]),
  applications: uuids,
  integrations: ids,
  destinations: uuids.describe('with integrations: what is about one of either list'),
}

export interface Interest {
  conditions: string[]
  applications: string[]
  integrations: string[]
  destinations: string[]
}

export interface Channel extends Interest {
  id: string
  name: string
  enabled: boolean
  /** Secrets opened. */
  config: ChannelConfig
}

/** What became of the messages of a channel. */
export interface ChannelStanding {
  /** Messages that are not sent yet. */
  waiting: number
  lastSentAt: Date | null
  /** Why the oldest of those that wait could not be sent; null when it was not tried. */
  problem: string | null
}

type ChannelRow = Omit<Channel, 'config'> & { config: string }

const CHANNEL = 'id, name, enabled, config, conditions, applications, integrations, destinations'

/** All channels, the oldest first. One that cannot be read is left out and named in the log. */
export async function findChannels(sql: Sql, sealer: Sealer, log: Log): Promise<Channel[]> {
  const rows = await sql<ChannelRow[]>`SELECT ${sql.unsafe(CHANNEL)} FROM alert_channels ORDER BY id`
  return rows.flatMap((row) => {
    try {
      return [openChannel(row, sealer)]
    } catch (error) {
      log.error({ id: row.id, err: error }, 'a stored alert channel cannot be read')
      return []
    }
  })
}

export async function findChannel(sql: Sql, sealer: Sealer, id: string): Promise<Channel | undefined> {
  const [row] = await sql<ChannelRow[]>`
    SELECT ${sql.unsafe(CHANNEL)} FROM alert_channels WHERE id::text = ${id}`
  return row && openChannel(row, sealer)
}

export async function saveChannel(sql: Sql, sealer: Sealer, channel: Channel): Promise<void> {
  const { id, name, enabled, conditions, applications, integrations, destinations } = channel
  const config = JSON.stringify(
    mapSecrets(channel.config, (secret) => sealer.seal(secret, `alert channel:${id}`)),
  )
  await sql`
    INSERT INTO alert_channels (id, name, enabled, config, conditions, applications, integrations, destinations)
    VALUES (${id}, ${name}, ${enabled}, ${config}, ${conditions}::text[], ${applications}::uuid[],
            ${integrations}::text[], ${destinations}::uuid[])
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, enabled = excluded.enabled, config = excluded.config,
      conditions = excluded.conditions, applications = excluded.applications,
      integrations = excluded.integrations, destinations = excluded.destinations, updated_at = now()`
}

/** What waits for it is dropped with it. */
export async function deleteChannel(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql`DELETE FROM alert_channels WHERE id::text = ${id} RETURNING id`
  return rows.length === 1
}

export async function findStandings(
  sql: Sql,
  channelIds: readonly string[],
): Promise<Map<string, ChannelStanding>> {
  const rows = await sql<(ChannelStanding & { id: string })[]>`
    SELECT asked.id, waiting.count AS waiting, waiting.problem,
           (SELECT max(sent_at) FROM alert_messages WHERE channel_id = asked.id) AS "lastSentAt"
    FROM unnest(${[...channelIds]}::uuid[]) asked(id) CROSS JOIN LATERAL (
      SELECT count(*)::int AS count, (array_agg(note ORDER BY id))[1] AS problem FROM alert_messages
      WHERE channel_id = asked.id AND sent_at IS NULL AND given_up_at IS NULL) AS waiting`
  return new Map(rows.map(({ id, ...standing }) => [id, standing]))
}

/** What a message is about. */
export interface About {
  applicationId: string
  integrationId: string | null
  destinationId: string | null
}

/** Whether a channel wants to be told of something; conditions are another matter. */
export function covers({ applications, integrations, destinations }: Interest, about: About): boolean {
  if (applications.length > 0 && !applications.includes(about.applicationId)) return false
  if (integrations.length + destinations.length === 0) return true
  return (
    (about.integrationId !== null && integrations.includes(about.integrationId)) ||
    (about.destinationId !== null && destinations.includes(about.destinationId))
  )
}

function openChannel(row: ChannelRow, sealer: Sealer): Channel {
  const identity = `alert channel:${row.id}`
  const open = (secret: string) => (isSealed(secret) ? sealer.open(secret, identity) : secret)
  const stored: ChannelConfig = JSON.parse(row.config)
  return { ...row, config: channelConfigSchema.parse(mapSecrets(stored, open)) }
}
