import type { z } from '@hono/zod-openapi'
import type { Application } from '../../integrations/integrations.ts'
import { newId } from '../../platform/ids.ts'
import type { Resource } from '../crud.ts'
import { Problem } from '../problem.ts'
import { applicationIn, applicationOut } from '../schemas.ts'
import type { ResourceOptions } from './resource-options.ts'

export function applicationResource({
  integrations,
}: ResourceOptions): Resource<z.infer<typeof applicationIn>> {
  async function save(id: string, input: z.infer<typeof applicationIn>): Promise<Application> {
    const other = integrations.applicationOfSlug(input.slug)
    if (other && other.id !== id) throw new Problem(409, `the slug "${input.slug}" is taken`)
    const application = { id, ...input }
    await integrations.saveApplication(application)
    return application
  }
  return {
    path: 'applications',
    name: 'application',
    input: applicationIn,
    output: applicationOut,
    list: () => integrations.applications(),
    find: (id) => integrations.application(id),
    create: (input) => save(newId(), input),
    change: save,
    async delete(id) {
      const used = [
        ...integrations.integrations(),
        ...integrations.destinations(),
        ...integrations.rewriteFunctions(),
      ]
      if (used.some((thing) => thing.applicationId === id)) {
        throw new Problem(409, 'the application still has integrations, destinations or functions')
      }
      return integrations.delete('applications', id)
    },
  }
}
