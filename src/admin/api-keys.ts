import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Integrations } from '../integrations/integrations.ts'
import { ROLES } from './access.ts'
import { witnessIn } from './audit.ts'
import { exactJson } from './exact-body.ts'
import { givenMoment } from './inspection-schemas.ts'
import type { Keys } from './keys.ts'
import { Problem, throwFaults } from './problem.ts'
import { requireApplication } from './resources/belonging.ts'
import { name } from './schemas.ts'
import { json, problems, serve } from './serve.ts'

export interface ApiKeysOptions {
  keys: Keys
  integrations: Integrations
  now(): Date
}

const keyFields = {
  name: name.describe('who or what uses it'),
  role: z.enum(ROLES),
  applicationId: z
    .uuid()
    .nullable()
    .default(null)
    .describe('the one application that it is for; null for all'),
}
const keyIn = z.strictObject({
  ...keyFields,
  expiresAt: givenMoment.nullable().default(null).describe('from then on it opens nothing; null for never'),
})
const moment = z.iso.datetime()
const keyOut = z
  .object({
    id: z.uuid(),
    ...keyFields,
    createdAt: moment,
    expiresAt: moment.nullable(),
    lastUsedAt: moment.nullable().describe('up to a minute ago; null for never'),
  })
  .openapi('ApiKey')
const newKeyOut = keyOut.extend({ key: z.string().describe('the key itself, shown this once') })

const keyParam = z.object({ id: z.uuid().openapi({ param: { name: 'id', in: 'path' } }) })
const resource = 'api-keys'
const tags = [resource]

/** Keys are made, listed and revoked; what one is and may do never changes. */
export function serveApiKeys(api: OpenAPIHono, { keys, integrations, now }: ApiKeysOptions): void {
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/api-keys',
      tags,
      request: { query: z.strictObject({ applicationId: z.uuid().optional() }) },
      responses: { 200: json(z.object({ items: z.array(keyOut) }), 'All keys, newest first'), ...problems },
    }),
    async (context) => exactJson({ items: await keys.list(context.req.valid('query').applicationId) }),
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/api-keys',
      tags,
      request: { body: { required: true, content: { 'application/json': { schema: keyIn } } } },
      responses: { 201: json(newKeyOut, 'The new key, which cannot be shown again'), ...problems },
    }),
    async (context) => {
      const { expiresAt, ...given } = context.req.valid('json')
      if (given.applicationId !== null) requireApplication(given.applicationId, integrations)
      const until = expiresAt === null ? null : new Date(expiresAt)
      if (until !== null && until <= now()) throwFaults([{ path: 'expiresAt', message: 'is in the past' }])
      const witness = witnessIn(context, { action: 'create', resource })
      return exactJson(await keys.create({ ...given, expiresAt: until }, witness), 201)
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/api-keys/{id}',
      tags,
      request: { params: keyParam },
      responses: { 200: json(keyOut, 'One key'), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const key = await keys.find(id)
      if (!key) throw missing(id)
      return exactJson(key)
    },
  )
  serve(
    api,
    createRoute({
      method: 'delete',
      path: '/api-keys/{id}',
      tags,
      request: { params: keyParam },
      responses: { 204: { description: 'It opens nothing any more' }, ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const revoked = await keys.revoke(id, witnessIn(context, { action: 'revoke', resource }))
      if (!revoked) throw missing(id)
      return new Response(null, { status: 204 })
    },
  )
}

function missing(id: string): Problem {
  return new Problem(404, `there is no API key ${JSON.stringify(id)}`)
}
