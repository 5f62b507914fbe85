import type { z } from '@hono/zod-openapi'
import {
  type Definition,
  type Integration,
  type Integrations,
  keepMaskedSecrets,
  maskSecrets,
} from '../../integrations/integrations.ts'
import { newIntegrationId } from '../../platform/ids.ts'
import { mappingSchema } from '../../rewrite/rewrite.ts'
import type { Resource } from '../crud.ts'
import { type Fault, faultsOf, Problem, throwFaults } from '../problem.ts'
import { integrationIn, integrationOut } from '../schemas.ts'
import { ofApplication, requireApplication } from './belonging.ts'
import type { ResourceOptions } from './resource-options.ts'

export function integrationResource(options: ResourceOptions): Resource<z.infer<typeof integrationIn>> {
  const { integrations } = options

  function show(integration: Integration): object {
    const application = integrations.application(integration.applicationId)
    if (!application) throw new Error(`integration ${integration.id} has no application`)
    const webhookUrl = `${options.webhookBaseOf(application)}/integration/${integration.id}`
    const definition = maskSecrets(integration.definition)
    return { ...integration, definition, webhookUrl, webhookXmlUrl: `${webhookUrl}/xml` }
  }

  async function save(id: string, input: z.infer<typeof integrationIn>): Promise<object> {
    const before = integrations.integration(id)
    const definition = keepMaskedSecrets(input.definition as Definition, before?.definition ?? {})
    const { applicationId, name, enabled } = input
    throwFaults([...idFaults(id, definition), ...definitionFaults(definition, applicationId, integrations)])
    await integrations.saveIntegration({ id, applicationId, name, enabled, definition })
    const saved = integrations.integration(id)
    if (!saved) throw new Error(`integration ${id} was saved and is not there`)
    return show(saved)
  }

  return {
    path: 'integrations',
    name: 'integration',
    input: integrationIn,
    output: integrationOut,
    list: (applicationId) => ofApplication(integrations.integrations(), applicationId).map(show),
    find(id) {
      const integration = integrations.integration(id)
      return integration && show(integration)
    },
    async create(input) {
      const id = input.id ?? newIntegrationId()
      if (integrations.integration(id)) throw new Problem(409, `the id "${id}" is taken`)
      requireApplication(input.applicationId, integrations)
      return save(id, input)
    },
    change: save,
    delete: (id) => integrations.delete('integrations', id),
  }
}

const UNGUESSABLE = /^[0-9a-f]{24}$/

/** A short id can be guessed, so it is only for senders who prove themselves. */
function idFaults(id: string, definition: Definition): Fault[] {
  if (UNGUESSABLE.test(id) || definition.proof !== null) return []
  return [{ path: 'id', message: 'an id other than 24 hex digits needs a definition with "proof"' }]
}

function definitionFaults(
  definition: Definition,
  applicationId: string,
  integrations: Integrations,
): Fault[] {
  return definition.nodes.flatMap((node, index) => {
    const at = ['definition', 'nodes', String(index)]
    const faults: Fault[] = []
    if ('mapping' in node && node.mapping !== undefined) {
      const read = mappingSchema.safeParse(node.mapping)
      if (!read.success) faults.push(...faultsOf(read.error, [...at, 'mapping']))
    }
    if (
      'function' in node &&
      node.function !== undefined &&
      !integrations.rewriteFunction(applicationId, node.function)
    ) {
      faults.push({
        path: [...at, 'function'].join('.'),
        message: `there is no rewrite function "${node.function}"`,
      })
    }
    if (node.kind === 'push' && integrations.destination(node.destination)?.applicationId !== applicationId) {
      faults.push({
        path: [...at, 'destination'].join('.'),
        message: 'the application has no such destination',
      })
    }
    return faults
  })
}
