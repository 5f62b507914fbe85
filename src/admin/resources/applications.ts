import type { z } from '@hono/zod-openapi'
import type { Alerts } from '../../alerts/alerts.ts'
import type { Application } from '../../integrations/integrations.ts'
import { newId } from '../../platform/ids.ts'
import type { Resource } from '../crud.ts'
import type { Keys } from '../keys.ts'
import { Problem } from '../problem.ts'
import { applicationIn, applicationOut } from '../schemas.ts'
import type { ResourceOptions } from './resource-options.ts'

export interface ApplicationOptions extends Pick<ResourceOptions, 'integrations'> {
  alerts: Pick<Alerts, 'channels'>
  keys: Pick<Keys, 'list'>
}

export function applicationResource({
  integrations,
  alerts,
  keys,
}: ApplicationOptions): Resource<z.infer<typeof applicationIn>> {
  function read(id: string, input: z.infer<typeof applicationIn>): Application {
    const other = integrations.applicationOfSlug(input.slug)
    if (other && other.id !== id) throw new Problem(409, `the slug "${input.slug}" is taken`)
    return { id, ...input }
  }
  return {
    path: 'applications',
    name: 'application',
    input: applicationIn,
    output: applicationOut,
    list: (applicationId) =>
      integrations.applications().filter(({ id }) => applicationId === undefined || id === applicationId),
    find: (id) => integrations.application(id),
    revision: (id) => integrations.revisionOf('applications', id),
    async create(input, witness) {
      const application = read(newId(), input)
      await integrations.saveApplication(application, undefined, witness)
      return application
    },
    async change(id, input, revision, witness) {
      const application = read(id, input)
      return (await integrations.saveApplication(application, revision, witness)) ? application : undefined
    },
    async delete(id, witness) {
      const used = [
        ...integrations.integrations(),
        ...integrations.destinations(),
        ...integrations.rewriteFunctions(),
        ...(await alerts.channels()),
        ...(await keys.list(id)),
      ]
      if (used.some((thing) => thing.applicationId === id)) {
        const things = 'integrations, destinations, functions, alert channels or API keys'
        throw new Problem(409, `the application still has ${things}`)
      }
      return integrations.delete('applications', id, witness)
    },
  }
}
