import type { z } from '@hono/zod-openapi'
import {
  type Application,
  type Definition,
  type Destination,
  type Integration,
  type Integrations,
  keepMaskedSecrets,
  maskSecrets,
  type RewriteFunction,
} from '../integrations/integrations.ts'
import { newId, newIntegrationId } from '../platform/ids.ts'
import { mappingSchema, type Rewriter } from '../rewrite/rewrite.ts'
import type { Resource } from './crud.ts'
import { type Fault, faultsOf, Problem } from './problem.ts'
import {
  applicationIn,
  applicationOut,
  destinationIn,
  destinationOut,
  functionIn,
  functionOut,
  integrationIn,
  integrationOut,
} from './schemas.ts'

export interface ResourceOptions {
  integrations: Integrations
  rewriter: Pick<Rewriter, 'check'>
  /** The address of an application's webhooks, without a last slash. */
  webhookBaseOf(application: Application): string
}

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
    if (before && before.applicationId !== input.applicationId) {
      throw new Problem(409, 'an integration cannot move to another application')
    }
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

export function functionResource({
  integrations,
  rewriter,
}: ResourceOptions): Resource<z.infer<typeof functionIn>> {
  async function show(given: RewriteFunction): Promise<object> {
    return { ...given, source: await integrations.sourceOf(given.version) }
  }
  const byId = (id: string) => integrations.rewriteFunctions().find((known) => known.id === id)

  async function save(id: string | undefined, input: z.infer<typeof functionIn>): Promise<object> {
    const checked = await rewriter.check(input.source)
    if (!checked.ok) {
      const message = `line ${checked.line}, column ${checked.column}: ${checked.message}`
      throwFaults([{ path: 'source', message }])
    }
    return show(await integrations.saveFunction({ ...input, ...(id === undefined ? {} : { id }) }))
  }

  return {
    path: 'functions',
    name: 'rewrite function',
    input: functionIn,
    output: functionOut,
    list: (applicationId) =>
      Promise.all(
        integrations
          .rewriteFunctions()
          .filter(
            (known) => applicationId === undefined || [applicationId, null].includes(known.applicationId),
          )
          .map(show),
      ),
    find(id) {
      const known = byId(id)
      return known && show(known)
    },
    create(input) {
      requireApplication(input.applicationId, integrations)
      const taken = integrations
        .rewriteFunctions()
        .some((known) => known.applicationId === input.applicationId && known.name === input.name)
      if (taken) throw new Problem(409, `the application has a function "${input.name}" already`)
      return save(undefined, input)
    },
    change(id, input) {
      if (byId(id)?.applicationId === null) {
        throw new Problem(409, 'this function comes from a file in rewrite-functions/ and is changed there')
      }
      return save(id, input)
    },
    delete: (id) => integrations.delete('functions', id),
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

function ofApplication<T extends { applicationId: string | null }>(
  things: T[],
  applicationId: string | undefined,
): T[] {
  return applicationId === undefined
    ? things
    : things.filter((thing) => thing.applicationId === applicationId)
}

function requireApplication(applicationId: string, integrations: Integrations): void {
  if (!integrations.application(applicationId)) {
    throwFaults([{ path: 'applicationId', message: 'there is no such application' }])
  }
}

function throwFaults(faults: Fault[]): void {
  if (faults.length > 0) throw new Problem(400, 'some fields are wrong', faults)
}
