import { z } from '@hono/zod-openapi'
import { allowedListSchema, definitionSchema, destinationConfigSchema } from '../integrations/integrations.ts'
import { type EventState, STATES } from '../ledger/ledger.ts'

const name = z.string().min(1).max(200)

/** A label of a host name with room for `webhook-` before it. */
const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,53}[a-z0-9])?$/, 'lower-case letters, digits and hyphens, at most 55')

/** Any JSON; integers keep their digits. */
export const anyJson = z.unknown().openapi({ description: 'any JSON value' })

/**
 * A shape that another room owns; `document.ts` puts all of it in the place of this name. Made anew here, because
 * only what is made after `@hono/zod-openapi` was loaded knows `openapi`.
 */
const named = (schema: z.ZodType, name: string) => z.lazy(() => schema).openapi(name, { type: 'object' })
const definition = named(definitionSchema, 'Definition')
const destinationConfig = named(destinationConfigSchema, 'DestinationConfig')

export const idParam = z.object({
  id: z
    .string()
    .min(1)
    .max(100)
    .openapi({ param: { name: 'id', in: 'path' } }),
})

export const applicationIn = z.strictObject({
  slug: slug.describe('gives the host name webhook-<slug>.<BASE_DOMAIN>'),
  name,
  webhooksEnabled: z.boolean().default(true),
  allowedList: allowedListSchema
    .default([])
    .describe('addresses, CIDRs and domains that may send to all its integrations'),
})
export const applicationOut = applicationIn.extend({ id: z.uuid() }).openapi('Application')

const integrationFields = {
  applicationId: z.uuid(),
  name,
  enabled: z.boolean().default(true),
  definition: definition.describe('what is agreed with the sender, and what happens to its events'),
}
export const integrationIn = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{3,64}$/)
    .optional()
    .describe('24 random hex digits unless given'),
  ...integrationFields,
})
export const integrationOut = z
  .object({
    id: z.string(),
    ...integrationFields,
    version: z.int(),
    webhookUrl: z.url().describe('where the source system sends JSON, forms or XML by content type'),
    webhookXmlUrl: z.url().describe('where a body is read as XML whatever its content type says'),
  })
  .openapi('Integration')

const destinationFields = {
  applicationId: z.uuid(),
  name,
  enabled: z.boolean().default(true),
  config: destinationConfig.describe('where and how deliveries are sent; secrets are shown as ***'),
}
export const destinationIn = z.strictObject(destinationFields)
export const destinationOut = z.object({ id: z.uuid(), ...destinationFields }).openapi('Destination')

const functionName = z.string().regex(/^[A-Za-z0-9._-]{1,200}$/, 'letters, digits, dots, hyphens and _')
export const functionIn = z.strictObject({
  applicationId: z.uuid(),
  name: functionName,
  enabled: z.boolean().default(true),
  source: z
    .string()
    .min(1)
    .max(1_000_000)
    .describe('the body of the function, see rewrite-functions/README.md'),
})
export const functionOut = z
  .object({
    id: z.uuid(),
    applicationId: z.uuid().nullable().describe('null for a function from rewrite-functions/*.js'),
    name: functionName,
    enabled: z.boolean(),
    version: z.string().describe('SHA-256 of the source'),
    source: z.string(),
  })
  .openapi('RewriteFunction')

const page = {
  from: z.iso.datetime({ offset: true }).optional().describe('received at or after'),
  to: z.iso.datetime({ offset: true }).optional().describe('received before'),
  cursor: z.uuid().optional().describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
}
const EVENT_STATES = Object.keys(STATES.event) as [EventState, ...EventState[]]

export const eventsQuery = z.object({
  applicationId: z.uuid().optional(),
  integrationId: z.string().max(100).optional(),
  status: z.enum(EVENT_STATES).optional().describe('state of the event'),
  sourceIp: z.string().max(100).optional(),
  dedupeKey: z.string().max(100).optional(),
  text: z.string().min(2).max(200).optional().describe('text in the payload, upper and lower case alike'),
  ...page,
})
export const requestsQuery = z.object({
  applicationId: z.uuid().optional(),
  integrationId: z.string().max(100).optional(),
  outcome: z.string().max(50).optional().describe('accepted, or the reason of a refusal'),
  sourceIp: z.string().max(100).optional(),
  ...page,
})

const id = z.uuid()
const moment = z.iso.datetime()

export const eventOut = z
  .object({
    id,
    requestId: id,
    position: z.int(),
    applicationId: id,
    integrationId: z.string(),
    receivedAt: moment,
    sourceIp: z.string(),
    dedupeKey: z.string().nullable(),
    duplicateOf: id.nullable(),
    latestRunId: id.nullable(),
    state: z.string(),
  })
  .openapi('Event')
export const requestOut = z
  .object({
    id,
    receivedAt: moment,
    applicationId: id.nullable(),
    integrationId: z.string(),
    sourceIp: z.string(),
    method: z.string(),
    path: z.string(),
    contentType: z.string().nullable(),
    bodyBytes: z.int(),
    outcome: z.string(),
    status: z.int(),
    detail: z.string().nullable(),
  })
  .openapi('Request')

const body = z
  .object({ text: z.string().optional(), base64: z.string().optional() })
  .nullable()
  .describe('text where the bytes are UTF-8, else base64')

export const eventDetailOut = eventOut
  .extend({
    payload: anyJson,
    request: requestOut.extend({ headers: z.array(z.tuple([z.string(), z.string()])), body }),
    runs: z.array(
      z.object({
        id,
        definitionVersion: z.int(),
        cause: z.string(),
        state: z.string(),
        reason: z.string().nullable(),
        takes: z.int(),
        startedAt: moment.nullable(),
        endedAt: moment.nullable(),
        nodes: z.array(
          z.object({
            nodeId: z.string(),
            outcome: z.string(),
            message: z.string().nullable(),
            output: anyJson,
            log: anyJson,
            functionVersion: z.string().nullable(),
            wallMs: z.number(),
            cpuMs: z.number(),
          }),
        ),
        deliveries: z.array(
          z.object({
            id,
            destinationId: id,
            nodeId: z.string(),
            position: z.int(),
            item: anyJson,
            state: z.string(),
            reason: z.string().nullable(),
            tries: z.int(),
            dueAt: moment,
            endedAt: moment.nullable(),
            attempts: z.array(
              z.object({
                id,
                number: z.int(),
                startedAt: moment,
                request: anyJson,
                verdict: z.string(),
                reason: z.string(),
                status: z.int().nullable(),
                responseHeaders: anyJson,
                responseBody: body,
                timing: anyJson,
              }),
            ),
          }),
        ),
      }),
    ),
  })
  .openapi('EventDetail')

export const problemOut = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem')
