import type { z } from '@hono/zod-openapi'
import { type Destination, keepMaskedSecrets, maskSecrets } from '../../integrations/integrations.ts'
import { newId } from '../../platform/ids.ts'
import type { Resource } from '../crud.ts'
import { Problem } from '../problem.ts'
import { destinationIn, destinationOut } from '../schemas.ts'
import { ofApplication, requireApplication } from './belonging.ts'
import type { ResourceOptions } from './resource-options.ts'

export function destinationResource({
  integrations,
}: ResourceOptions): Resource<z.infer<typeof destinationIn>> {
  const show = (destination: Destination) => ({ ...destination, config: maskSecrets(destination.config) })

  async function save(id: string, input: z.infer<typeof destinationIn>): Promise<object> {
    const before = integrations.destination(id)
    const config = keepMaskedSecrets(input.config as Destination['config'], before?.config ?? {})
    const destination = { id, ...input, config }
    await integrations.saveDestination(destination)
    return show(destination)
  }

  return {
    path: 'destinations',
    name: 'destination',
    input: destinationIn,
    output: destinationOut,
    list: (applicationId) => ofApplication(integrations.destinations(), applicationId).map(show),
    find(id) {
      const destination = integrations.destination(id)
      return destination && show(destination)
    },
    create(input) {
      requireApplication(input.applicationId, integrations)
      return save(newId(), input)
    },
    change: save,
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
