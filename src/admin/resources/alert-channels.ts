import type { z } from '@hono/zod-openapi'
import {
  type Alerts,
  type Channel,
  type ChannelConfig,
  type ChannelStanding,
  keepChannelSecrets,
  maskChannel,
} from '../../alerts/alerts.ts'
import type { Integrations } from '../../integrations/integrations.ts'
import { newId } from '../../platform/ids.ts'
import type { Witness } from '../../platform/witness.ts'
import { channelIn, channelOut } from '../alert-schemas.ts'
import type { Resource } from '../crud.ts'
import { type Fault, throwFaults } from '../problem.ts'
import { ofApplication, requireApplication } from './belonging.ts'

export interface AlertOptions {
  alerts: Alerts
  integrations: Integrations
}

type Input = z.infer<typeof channelIn>

const NEW: ChannelStanding = { waiting: 0, lastSentAt: null, problem: null }

export function alertChannelResource({ alerts, integrations }: AlertOptions): Resource<Input> {
  async function show(channels: Omit<Channel, 'revision'>[]): Promise<object[]> {
    const standings = await alerts.channelStandings(channels.map(({ id }) => id))
    return channels.map((channel) => ({
      ...channel,
      config: maskChannel(channel.config),
      standing: standings.get(channel.id) ?? NEW,
      revision: undefined,
    }))
  }

  async function save(
    id: string,
    input: Input,
    revision: string | undefined,
    witness: Witness,
  ): Promise<object | undefined> {
    const before = await alerts.channel(id)
    const { config, missing } = keepChannelSecrets(input.config as ChannelConfig, before?.config)
    throwFaults([...missing.map(missingFault), ...unknownFaults(input, before, integrations)])
    const channel = { id, ...input, config }
    const saved = await alerts.saveChannel(channel, revision, witness)
    return saved ? (await show([channel]))[0] : undefined
  }

  return {
    path: 'alert-channels',
    name: 'alert channel',
    input: channelIn,
    output: channelOut,
    list: async (applicationId) => show(ofApplication(await alerts.channels(), applicationId)),
    async find(id) {
      const channel = await alerts.channel(id)
      return channel && (await show([channel]))[0]
    },
    revision: async (id) => (await alerts.channel(id))?.revision,
    async create(input, witness) {
      if (input.applicationId !== null) requireApplication(input.applicationId, integrations)
      return (await save(newId(), input, undefined, witness)) ?? {}
    },
    change: save,
    delete: (id, witness) => alerts.deleteChannel(id, witness),
  }
}

function missingFault(field: string): Fault {
  return {
    path: `config.${field}`,
    message: 'there is no secret here to keep, or its server was changed: give it',
  }
}

/**
 * Ids of nothing, unless they were there before: what they named may have been deleted since. To the channel of an
 * application what belongs to another one is nothing too.
 */
function unknownFaults(input: Input, before: Channel | undefined, integrations: Integrations): Fault[] {
  const owners = {
    applications: (id: string) => integrations.application(id)?.id,
    integrations: (id: string) => integrations.integration(id)?.applicationId,
    destinations: (id: string) => integrations.destination(id)?.applicationId,
  }
  const isKnown = (owner: string | undefined) =>
    owner !== undefined && [null, owner].includes(input.applicationId)
  return (['applications', 'integrations', 'destinations'] as const).flatMap((list) =>
    input[list].flatMap((id, index) =>
      isKnown(owners[list](id)) || before?.[list].includes(id)
        ? []
        : [{ path: `${list}.${index}`, message: `there is no ${list.slice(0, -1)} ${JSON.stringify(id)}` }],
    ),
  )
}
