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
import { channelIn, channelOut } from '../alert-schemas.ts'
import type { Resource } from '../crud.ts'
import { type Fault, throwFaults } from '../problem.ts'

export interface AlertOptions {
  alerts: Alerts
  integrations: Integrations
}

type Input = z.infer<typeof channelIn>

const NEW: ChannelStanding = { waiting: 0, lastSentAt: null, problem: null }

export function alertChannelResource({ alerts, integrations }: AlertOptions): Resource<Input> {
  async function show(channels: Channel[]): Promise<object[]> {
    const standings = await alerts.channelStandings(channels.map(({ id }) => id))
    return channels.map((channel) => ({
      ...channel,
      config: maskChannel(channel.config),
      standing: standings.get(channel.id) ?? NEW,
    }))
  }

  async function save(id: string, input: Input): Promise<object> {
    const before = await alerts.channel(id)
    const { config, missing } = keepChannelSecrets(input.config as ChannelConfig, before?.config)
    throwFaults([...missing.map(missingFault), ...unknownFaults(input, before, integrations)])
    const channel: Channel = { id, ...input, config }
    await alerts.saveChannel(channel)
    return (await show([channel]))[0] ?? {}
  }

  return {
    path: 'alert-channels',
    name: 'alert channel',
    input: channelIn,
    output: channelOut,
    list: async (applicationId) =>
      show(
        (await alerts.channels()).filter(
          ({ applications }) =>
            applicationId === undefined || applications.length === 0 || applications.includes(applicationId),
        ),
      ),
    async find(id) {
      const channel = await alerts.channel(id)
      return channel && (await show([channel]))[0]
    },
    create: (input) => save(newId(), input),
    change: save,
    delete: (id) => alerts.deleteChannel(id),
  }
}

function missingFault(field: string): Fault {
  return {
    path: `config.${field}`,
    message: 'there is no secret here to keep, or its server was changed: give it',
  }
}

/** Ids of nothing, unless they were there before: what they named may have been deleted since. */
function unknownFaults(input: Input, before: Channel | undefined, integrations: Integrations): Fault[] {
  const lists = {
    applications: (id: string) => integrations.application(id),
    integrations: (id: string) => integrations.integration(id),
    destinations: (id: string) => integrations.destination(id),
  }
  return (['applications', 'integrations', 'destinations'] as const).flatMap((list) =>
    input[list].flatMap((id, index) =>
      lists[list](id) || before?.[list].includes(id)
        ? []
        : [{ path: `${list}.${index}`, message: `there is no ${list.slice(0, -1)} ${JSON.stringify(id)}` }],
    ),
  )
}
