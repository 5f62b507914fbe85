import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Witness } from '../platform/witness.ts'
import { witnessIn } from './audit.ts'
import { exactJson } from './exact-body.ts'
import { Problem } from './problem.ts'
import { idParam } from './schemas.ts'
import { json, problems, serve } from './serve.ts'

/** What the API does with one kind of thing; each verb throws Problem for what is wrong with the request. */
export interface Resource<In, New extends In = In> {
  /** `applications` */
  path: string
  /** `application` */
  name: string
  input: z.ZodObject
  /** What may be given beside that when one is made. */
  creation?: z.ZodObject
  output: z.ZodType
  list(applicationId: string | undefined): object[] | Promise<object[]>
  find(id: string): object | undefined | Promise<object | undefined>
  /** Another one after each change; undefined where there is nothing. */
  revision(id: string): string | undefined | Promise<string | undefined>
  /** Throws Problem for what may not be changed or deleted at all. */
  guard?(thing: object): void
  create(input: New, witness: Witness): Promise<object>
  /**
   * `input` is what was there at `revision` with the change laid over it. Undefined, and nothing is changed, when that
   * is not how it stands any more.
   */
  change(id: string, input: In, revision: string, witness: Witness): Promise<object | undefined>
  delete(id: string, witness: Witness): Promise<boolean>
}

/** Of those who change one thing at the same moment one gets through each time. */
const CHANGE_TRIES_MAX = 20

/** Lays create, read, change, list and delete of a resource on the API. */
export function serveResource<In, New extends In>(api: OpenAPIHono, resource: Resource<In, New>): void {
  const { path, name, input, creation = input, output } = resource
  const tags = [path]
  const one = `/${path}/{id}`
  const body = { required: true, content: { 'application/json': { schema: creation } } }
  const change = { required: true, content: { 'application/json': { schema: input.partial() } } }
  const query = z.strictObject({ applicationId: z.uuid().optional() })
  const items = z.object({ items: z.array(output) })

  async function found(id: string): Promise<object> {
    const thing = await resource.find(id)
    if (!thing) throw new Problem(404, `there is no ${name} ${JSON.stringify(id)}`)
    return thing
  }

  async function tryChange(
    id: string,
    changes: Record<string, unknown>,
    witness: Witness,
  ): Promise<object | undefined> {
    // First, so that it is never newer than what is kept.
    const revision = await resource.revision(id)
    const before = (await found(id)) as Record<string, unknown>
    if (revision === undefined) return undefined
    resource.guard?.(before)
    const kept = Object.fromEntries(Object.keys(input.shape).map((key) => [key, before[key]]))
    requireSame(before, changes, name)
    const read = input.safeParse({ ...kept, ...changes })
    if (!read.success) throw read.error
    try {
      return await resource.change(id, read.data as In, revision, witness)
    } catch (error) {
      // What it was held against may have gone or changed meanwhile: then the fault says nothing.
      if ((await resource.revision(id)) !== revision) return undefined
      throw error
    }
  }

  serve(
    api,
    createRoute({
      method: 'get',
      path: `/${path}`,
      tags,
      request: { query },
      responses: { 200: json(items, `All ${path}`), ...problems },
    }),
    async (context) => exactJson({ items: await resource.list(context.req.valid('query').applicationId) }),
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: `/${path}`,
      tags,
      request: { body },
      responses: { 201: json(output, `The new ${name}`), ...problems },
    }),
    async (context) => {
      const witness = witnessIn(context, { action: 'create', resource: path })
      return exactJson(await resource.create(context.req.valid('json') as New, witness), 201)
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: one,
      tags,
      request: { params: idParam },
      responses: { 200: json(output, `One ${name}`), ...problems },
    }),
    async (context) => exactJson(await found(context.req.valid('param').id)),
  )
  serve(
    api,
    createRoute({
      method: 'patch',
      path: one,
      tags,
      request: { params: idParam, body: change },
      responses: { 200: json(output, `The changed ${name}`), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      // The validated change would hold defaults for what it does not name.
      const changes: Record<string, unknown> = await context.req.json()
      const witness = witnessIn(context, { action: 'change', resource: path })
      for (let tries = 0; tries < CHANGE_TRIES_MAX; tries++) {
        const changed = await tryChange(id, changes, witness)
        if (changed) return exactJson(changed)
      }
      throw new Problem(409, `others keep changing this ${name}; try again`)
    },
  )
  serve(
    api,
    createRoute({
      method: 'delete',
      path: one,
      tags,
      request: { params: idParam },
      responses: { 204: { description: 'Deleted' }, ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const thing = await found(id)
      resource.guard?.(thing)
      await resource.delete(id, witnessIn(context, { action: 'delete', resource: path }))
      return new Response(null, { status: 204 })
    },
  )
}

/** What a thing is found by, and whose it is, never changes. */
const FIXED = ['id', 'applicationId']

function requireSame(before: Record<string, unknown>, changed: Record<string, unknown>, name: string): void {
  const faults = FIXED.filter((key) => Object.hasOwn(changed, key) && changed[key] !== before[key]).map(
    (key) => ({ path: key, message: `cannot be changed; make another ${name} instead` }),
  )
  if (faults.length > 0) throw new Problem(409, `the ${faults[0]?.path} of the ${name} is fixed`, faults)
}
