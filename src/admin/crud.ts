import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { exactJson } from './exact-body.ts'
import { Problem } from './problem.ts'
import { idParam } from './schemas.ts'
import { json, problems, security, serve } from './serve.ts'

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
  /** Throws Problem for what may not be changed or deleted at all. */
  guard?(thing: object): void
  create(input: New): Promise<object>
  /** `input` is what is there with the change laid over it. */
  change(id: string, input: In): Promise<object>
  delete(id: string): Promise<boolean>
}

/** Lays create, read, change, list and delete of a resource on the API. */
export function serveResource<In, New extends In>(api: OpenAPIHono, resource: Resource<In, New>): void {
  const { path, name, input, creation = input, output } = resource
  const tags = [path]
  const one = `/${path}/{id}`
  const body = { required: true, content: { 'application/json': { schema: creation } } }
  const change = { required: true, content: { 'application/json': { schema: input.partial() } } }
  const query = z.object({ applicationId: z.uuid().optional() })
  const items = z.object({ items: z.array(output) })

  async function found(id: string): Promise<object> {
    const thing = await resource.find(id)
    if (!thing) throw new Problem(404, `there is no ${name} ${JSON.stringify(id)}`)
    return thing
  }

  serve(
    api,
    createRoute({
      method: 'get',
      path: `/${path}`,
      tags,
      security,
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
      security,
      request: { body },
      responses: { 201: json(output, `The new ${name}`), ...problems },
    }),
    async (context) => exactJson(await resource.create(context.req.valid('json') as New), 201),
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: one,
      tags,
      security,
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
      security,
      request: { params: idParam, body: change },
      responses: { 200: json(output, `The changed ${name}`), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const before = (await found(id)) as Record<string, unknown>
      resource.guard?.(before)
      const kept = Object.fromEntries(Object.keys(input.shape).map((key) => [key, before[key]]))
      // The validated change would hold defaults for what it does not name.
      const changed: Record<string, unknown> = await context.req.json()
      requireSame(before, changed, name)
      const read = input.safeParse({ ...kept, ...changed })
      if (!read.success) throw read.error
      return exactJson(await resource.change(id, read.data as In))
    },
  )
  serve(
    api,
    createRoute({
      method: 'delete',
      path: one,
      tags,
      security,
      request: { params: idParam },
      responses: { 204: { description: 'Deleted' }, ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const thing = await found(id)
      resource.guard?.(thing)
      await resource.delete(id)
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
