import type { z } from '@hono/zod-openapi'
import {
  type Destination,
  destinationWarnings,
  hasNoOriginals,
  keepMaskedSecrets,
  maskSecrets,
  namesDestination,
  sendsOriginals,
} from '../../integrations/integrations.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Json } from '../../payload/exact-json.ts'
import { newId } from '../../platform/ids.ts'
import type { Resource } from '../crud.ts'
import { findStandings } from '../destination-standing.ts'
import { type Fault, Problem, throwFaults } from '../problem.ts'
import { destinationCreationIn, destinationIn, destinationOut } from '../schemas.ts'
import { ofApplication, requireApplication } from './belonging.ts'
import { maskedFaults } from './masked-faults.ts'
import type { ResourceOptions } from './resource-options.ts'
import { requireTaken, type TryOptions } from './verified-destination.ts'

export interface DestinationOptions extends ResourceOptions, TryOptions {
  ledger: Pick<Ledger, 'findDestinationStates' | 'forgetDestinationState'>
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
    const destination = { id, applicationId, name, enabled, config }
    throwFaults([...maskedFaults('config', config), ...originalFaults(destination, integrations)])
    return destination
  }

  return {
    path: 'destinations',
    name: 'destination',
    input: destinationIn,
    creation: destinationCreationIn,
    output: destinationOut,
    list: (applicationId) => showAll(ofApplication(integrations.destinations(), applicationId)),
    revision: (id) => integrations.revisionOf('destinations', id),
    find(id) {
      const destination = integrations.destination(id)
      return destination && show(destination)
    },
    async create({ verify, sample, ...input }, witness) {
      requireApplication(input.applicationId, integrations)
      const destination = read(newId(), input)
      if (verify) await requireTaken(destination, sample as Json | undefined, options)
      await integrations.saveDestination(destination, undefined, witness)
      return show(destination)
    },
    async change(id, input, revision, witness) {
      const destination = read(id, input)
      const saved = await integrations.saveDestination(destination, revision, witness)
      return saved ? show(destination) : undefined
    },
    async delete(id, witness) {
      requireUnused(id, integrations)
      const isDeleted = await integrations.delete('destinations', id, witness)
      // One may have begun to push to it meanwhile.
      if (!isDeleted) requireUnused(id, integrations)
      else await ledger.forgetDestinationState(id)
      return isDeleted
    },
  }
}

function requireUnused(
  id: string,
  { integrations }: Pick<ResourceOptions['integrations'], 'integrations'>,
): void {
  const user = integrations().find(({ definition }) => namesDestination(definition, id))
  if (user) throw new Problem(409, `integration ${user.id} still pushes to this destination`)
}

/** An event of a body that is split has no original of its own. */
function originalFaults(
  destination: Destination,
  integrations: Pick<ResourceOptions['integrations'], 'integrations'>,
): Fault[] {
  if (!sendsOriginals(destination)) return []
  return integrations.integrations().flatMap(({ id, definition }) => {
    if (!hasNoOriginals(definition) || !namesDestination(definition, destination.id)) return []
    return [
      { path: 'config.format', message: `integration ${id} has "split": its events have no original body` },
    ]
  })
}
