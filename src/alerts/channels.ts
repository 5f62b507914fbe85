import { z } from 'zod'
import type { Log } from '../platform/log.ts'
import type { Sql, Transaction } from '../platform/postgres.ts'
import { standsAsSeen } from '../platform/row-revision.ts'
import { isSealed, type Sealer } from '../platform/sealing.ts'
import { type Witness, type Witnessed, witnessed } from '../platform/witness.ts'
import { type ChannelConfig, channelConfigSchema, mapSecrets, maskChannel } from './channel-config.ts'
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
  /** Null for one that hears of all applications. */
  applicationId: string | null
  name: string
  enabled: boolean
  /** Secrets opened. */
  config: ChannelConfig
  /** Another one after each change. */
  revision: string
}

/** What became of the messages of a channel. */
export interface ChannelStanding {
  /** Messages that are not sent yet. */
  waiting: number
  lastSentAt: Date | null
  /** Why the oldest of those that wait could not be sent; null when it was not tried. */
  problem: string | null
}

/** As it is stored: secrets sealed. */
export type ChannelRow = Omit<Channel, 'config'> & { config: string }

const CHANNEL = `id, application_id AS "applicationId", name, enabled, config, conditions, applications, integrations,
  destinations, xmin::text AS revision`

/** All channels, the oldest first. One that cannot be read is left out and named in the log. */
export async function findChannels(sql: Sql, sealer: Sealer, log: Log): Promise<Channel[]> {
  return openChannels(await findChannelRows(sql), sealer, log)
}

export async function findChannelRows(sql: Sql): Promise<ChannelRow[]> {
  return [...(await sql<ChannelRow[]>`SELECT ${sql.unsafe(CHANNEL)} FROM alert_channels ORDER BY id`)]
}

/** One that cannot be read is left out and named in the log. */
export function openChannels(rows: readonly ChannelRow[], sealer: Sealer, log: Log): Channel[] {
  return rows.flatMap((row) => {
    try {
      return [openChannel(row, sealer)]
    } catch (error) {
      log.error({ id: row.id, err: error }, 'a stored alert channel cannot be read')
      return []
    }
  })
}

export async function findChannel(
  sql: Sql | Transaction,
  sealer: Sealer,
  id: string,
): Promise<Channel | undefined> {
  const [row] = await sql<ChannelRow[]>`
    SELECT ${sql.unsafe(CHANNEL)} FROM alert_channels WHERE id::text = ${id}`
  return row && openChannel(row, sealer)
}

/** False, and nothing is written, when it was changed or deleted since the revision that is named. */
export async function saveChannel(
  sql: Sql,
  sealer: Sealer,
  channel: Omit<Channel, 'revision'>,
  { seen, witness }: { seen: string | undefined; witness: Witness | undefined },
): Promise<boolean> {
  const { id, applicationId, name, enabled, conditions, applications, integrations, destinations } = channel
  const config = JSON.stringify(
    mapSecrets(channel.config, (secret) => sealer.seal(secret, `alert channel:${id}`)),
  )
  return sql.begin(async (transaction) => {
    if (seen !== undefined && !(await standsAsSeen(transaction, 'alert_channels', id, seen))) return false
    return witnessed(channelIn(transaction, { id, sealer, witness }), async () => {
      await transaction`
        INSERT INTO alert_channels (id, application_id, name, enabled, config, conditions, applications, integrations,
                                    destinations)
        VALUES (${id}, ${applicationId}, ${name}, ${enabled}, ${config}, ${conditions}::text[],
                ${applications}::uuid[], ${integrations}::text[], ${destinations}::uuid[])
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, enabled = excluded.enabled, config = excluded.config,
          conditions = excluded.conditions, applications = excluded.applications,
          integrations = excluded.integrations, destinations = excluded.destinations, updated_at = now()`
      return true
    })
  })
}

/** What waits for it is dropped with it. */
export async function deleteChannel(
  sql: Sql,
  sealer: Sealer,
  id: string,
  witness: Witness | undefined,
): Promise<boolean> {
  return sql.begin((transaction) =>
    witnessed(channelIn(transaction, { id, sealer, witness }), async () => {
      const rows = await transaction`DELETE FROM alert_channels WHERE id::text = ${id} RETURNING id`
      return rows.length === 1
    }),
  )
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
  /** Null where it is about an edge. */
  applicationId: string | null
  integrationId: string | null
  destinationId: string | null
}

/** Whether a channel wants to be told of something; conditions are another matter. */
export function covers(
  { applicationId, applications, integrations, destinations }: Interest & Pick<Channel, 'applicationId'>,
  about: About,
): boolean {
  if (applicationId !== null && applicationId !== about.applicationId) return false
  const isOfOne = about.applicationId !== null && applications.includes(about.applicationId)
  if (applications.length > 0 && !isOfOne) return false
  if (integrations.length + destinations.length === 0) return true
  return (
    (about.integrationId !== null && integrations.includes(about.integrationId)) ||
    (about.destinationId !== null && destinations.includes(about.destinationId))
  )
}

function channelIn(
  transaction: Transaction,
  { id, sealer, witness }: { id: string; sealer: Sealer; witness: Witness | undefined },
): Witnessed {
  return {
    transaction,
    witness,
    async snapshot() {
      const channel = await findChannel(transaction, sealer, id)
      if (!channel) return undefined
      const { id: _, applicationId, revision: __, ...plain } = channel
      return { id, applicationId, plain, masked: { ...plain, config: maskChannel(plain.config) } }
    },
  }
}

function openChannel(row: ChannelRow, sealer: Sealer): Channel {
  const identity = `alert channel:${row.id}`
  const open = (secret: string) => (isSealed(secret) ? sealer.open(secret, identity) : secret)
  const stored: ChannelConfig = JSON.parse(row.config)
  return { ...row, config: channelConfigSchema.parse(mapSecrets(stored, open)) }
}
