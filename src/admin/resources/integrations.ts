import type { z } from '@hono/zod-openapi'
import { type Definition, type Integration, keepMaskedSecrets } from '../../integrations/integrations.ts'
import { newIntegrationId } from '../../platform/ids.ts'
import { presetOf } from '../../sources/sources.ts'
import type { Resource } from '../crud.ts'
import { Problem, throwFaults } from '../problem.ts'
import { integrationIn, integrationOut } from '../schemas.ts'
import { ofApplication, requireApplication } from './belonging.ts'
import { integrationFaults } from './integration-faults.ts'
import { showIntegrations } from './integration-view.ts'
import type { ResourceOptions } from './resource-options.ts'

/** For whoever makes an integration and goes to the source's own page next. */
const FIRST_WAIT_MS = 3_600_000

export function integrationResource(options: ResourceOptions): Resource<z.infer<typeof integrationIn>> {
  const { integrations } = options

  async function show(integration: Integration): Promise<object> {
    const [shown] = await showIntegrations([integration], options)
    return shown ?? {}
  }

  async function read(
    id: string,
    input: z.infer<typeof integrationIn>,
  ): Promise<Omit<Integration, 'version'>> {
    const before = integrations.integration(id)
    const definition = keepMaskedSecrets(input.definition as Definition, before?.definition ?? {})
    const { applicationId, name, enabled } = input
    throwFaults(await integrationFaults({ id, applicationId, definition }, options))
    return { id, applicationId, name, enabled, definition }
  }

  return {
    path: 'integrations',
    name: 'integration',
    input: integrationIn,
    output: integrationOut,
    list: (applicationId) =>
      showIntegrations(ofApplication(integrations.integrations(), applicationId), options),
    find(id) {
      const integration = integrations.integration(id)
      return integration && show(integration)
    },
    revision: (id) => integrations.revisionOf('integrations', id),
    async create(input, witness) {
      const id = input.id ?? newIntegrationId()
      if (integrations.integration(id)) throw idTaken(id)
      requireApplication(input.applicationId, integrations)
      const integration = await read(id, input)
      const waits = presetOf(integration.definition.source).handshakes.some(({ pins }) => pins)
      const until = new Date(options.now().getTime() + FIRST_WAIT_MS)
      const made = await integrations.createIntegration(integration, waits ? until : null, witness)
      if (made !== undefined) return show(made)
      // Somebody else took the id since, at another process perhaps, or something that it names away.
      if (integrations.integration(id)) throw idTaken(id)
      await read(id, input)
      throw new Problem(409, 'what this integration names was changed at the same time; try again')
    },
    async change(id, input, revision, witness) {
      const saved = await integrations.saveIntegration(await read(id, input), revision, witness)
      return saved && show(saved)
    },
    delete: (id, witness) => integrations.delete('integrations', id, witness),
  }
}

function idTaken(id: string): Problem {
  return new Problem(409, `the id "${id}" is taken`)
}
