import type { z } from '@hono/zod-openapi'
import {
  type Destination,
  destinationWarnings,
  keepMaskedSecrets,
  maskSecrets,
} from '../../integrations/integrations.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Json } from '../../payload/exact-json.ts'
import { newId } from '../../platform/ids.ts'
import type { Resource } from '../crud.ts'
import { findStandings } from '../destination-standing.ts'
import { Problem, throwFaults } from '../problem.ts'
import { destinationCreationIn, destinationIn, destinationOut } from '../schemas.ts'
import { ofApplication, requireApplication } from './belonging.ts'
import { maskedFaults } from './masked-faults.ts'
import type { ResourceOptions } from './resource-options.ts'
import { requireTaken, type TryOptions } from './verified-destination.ts'

export interface DestinationOptions extends ResourceOptions, TryOptions {
  ledger: Pick<Ledger, 'findDestinationStates'>
}

type Input = z.infer<typeof destinationIn>

export function destinationResource(
  options: DestinationOptions,
): Resource<Input, z.infer<typeof destinationCreationIn>> {
  const { integrations, ledger, now } = options

  async function showAll(destinations: Destination[]): Promise<object[]> {
    const standingOf = await findStandings(ledger)
    return destinations.map((destination) => ({
      ...destination,
      config: maskSecrets(destination.config),
      warnings: destinationWarnings(destination.config, now()),
      standing: standingOf(destination.id),
    }))
  }

  async function show(destination: Destination): Promise<object> {
    const [shown] = await showAll([destination])
    return shown ?? {}
  }

  function read(id: string, { applicationId, name, enabled, ...input }: Input): Destination {
    const before = integrations.destination(id)
    const config = keepMaskedSecrets(input.config as Destination['config'], before?.config ?? {})
    throwFaults(maskedFaults('config', config))
    return { id, applicationId, name, enabled, config }
  }

  async function save(destination: Destination): Promise<object> {
    await integrations.saveDestination(destination)
    return show(destination)
  }

  return {
    path: 'destinations',
    name: 'destination',
    input: destinationIn,
    creation: destinationCreationIn,
    output: destinationOut,
    list: (applicationId) => showAll(ofApplication(integrations.destinations(), applicationId)),
    find(id) {
      const destination = integrations.destination(id)
      return destination && show(destination)
    },
    async create({ verify, sample, ...input }) {
      requireApplication(input.applicationId, integrations)
      const destination = read(newId(), input)
      if (verify) await requireTaken(destination, sample as Json | undefined, options)
      return save(destination)
    },
    change: (id, input) => save(read(id, input)),
    async delete(id) {
      const user = integrations
        .integrations()
        .find(({ definition }) =>
          definition.nodes.some((node) => node.kind === 'push' && node.destination === id),
        )
      if (user) throw new Problem(409, `integration ${user.id} still pushes to this destination`)
      return integrations.delete('destinations', id)
    },
  }
}
