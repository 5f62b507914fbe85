import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Audit } from './audit.ts'
import { exactJson } from './exact-body.ts'
import { anyJson, givenAddress, givenMoment } from './inspection-schemas.ts'
import { moments, pageFrom, pageOf } from './page.ts'
import { text } from './schemas.ts'
import { json, problems, serve } from './serve.ts'

const auditQuery = z.strictObject({
  applicationId: z.uuid().optional(),
  resource: text.max(100).optional().describe('what was changed, such as `destinations`'),
  resourceId: text.max(100).optional(),
  action: text.max(100).optional().describe('what was done, such as `change`'),
  keyId: z.uuid().optional(),
  sourceIp: givenAddress.optional(),
  from: givenMoment.optional().describe('done at or after'),
  to: givenMoment.optional().describe('done before'),
  cursor: z.uuid().optional().describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})
const entryOut = z
  .object({
    id: z.uuid(),
    at: z.iso.datetime(),
    keyId: z
      .uuid()
      .nullable()
      .describe('null for the key of the settings, the command line and the program itself'),
    who: z.string().describe('the name of the key'),
    sourceIp: z.string().nullable(),
    applicationId: z.uuid().nullable(),
    action: z.string(),
    resource: z.string(),
    resourceId: z.string(),
    differences: z
      .array(z.object({ path: z.string(), before: anyJson.optional(), after: anyJson.optional() }))
      .describe('secrets as ***; a secret that was renewed is among them'),
  })
  .openapi('AuditEntry')

/** Who changed what, and when. Nothing here can be changed. */
export function serveAuditLog(api: OpenAPIHono, { audit }: { audit: Audit }): void {
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/audit-log',
      tags: ['audit-log'],
      request: { query: auditQuery },
      responses: { 200: json(pageOf(entryOut), 'Changes, newest first'), ...problems },
    }),
    async (context) => {
      const { cursor, from, to, ...filter } = context.req.valid('query')
      const items = await audit.find({ ...filter, before: cursor, ...moments(from, to) })
      return exactJson(pageFrom(items, filter.limit))
    },
  )
}
