import { z } from '@hono/zod-openapi'
import { allowedListSchema, definitionSchema, destinationConfigSchema } from '../integrations/integrations.ts'
import { SOURCE_CHARS_MAX } from '../rewrite/rewrite.ts'

/** Text for a column of the database, which takes no NUL and would change half a character. */
export const text = z
  .string()
  .min(1)
  .refine(
    (given) => !given.includes('\0') && given.isWellFormed(),
    'a NUL or half a character cannot be kept',
  )

export const name = text.max(200)

/** A label of a host name with room for `webhook-` before it. */
const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,53}[a-z0-9])?$/, 'lower-case letters, digits and hyphens, at most 55')

/**
 * A shape that another room owns; `document.ts` puts all of it in the place of this name. Made anew here, because
 * only what is made after `@hono/zod-openapi` was loaded knows `openapi`.
 */
export const named = (schema: z.ZodType, name: string) =>
  z.lazy(() => schema).openapi(name, { type: 'object' })
const definition = named(definitionSchema, 'Definition')
const destinationConfig = named(destinationConfigSchema, 'DestinationConfig')

export const idParam = z.object({
  id: text.max(100).openapi({ param: { name: 'id', in: 'path' } }),
})

export const applicationIn = z.strictObject({
  slug: slug.describe('gives the host name webhook-<slug>.<BASE_DOMAIN>').openapi({ example: 'my-shop' }),
  name,
  webhooksEnabled: z.boolean().default(true),
  allowedList: allowedListSchema
    .default([])
    .describe('addresses, CIDRs and domains that may send to all its integrations'),
})
export const applicationOut = applicationIn.extend({ id: z.uuid() }).openapi('Application')

const moment = z.iso.datetime()

/** As somebody wrote it, in a zone of their own. */
const givenMoment = z.iso.datetime({ offset: true })

const secretOut = z.object({
  id: z.string(),
  activeFrom: givenMoment.nullable(),
  retiresAt: givenMoment.nullable(),
  standing: z.enum(['active', 'not_active', 'retired']),
  lastUsedAt: moment.nullable().describe('when it last proved a request, up to a minute ago'),
})

export const handshakeOut = z
  .object({
    waitingUntil: moment.nullable().describe('until then a handshake may pin the sender'),
    pinned: z.record(z.string(), z.string()).nullable().describe('what identifies the sender'),
    kind: z.string().nullable(),
    note: z.record(z.string(), z.string()).nullable().describe('what the source told with it'),
    receivedAt: moment.nullable(),
  })
  .openapi('Handshake')

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
    secrets: z
      .array(secretOut)
      .describe('the secrets in the lists of its proof, so that one can be seen to be no longer used'),
    handshake: handshakeOut.nullable().describe('what its source told before any event'),
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
export const destinationCreationIn = destinationIn.extend({
  verify: z
    .boolean()
    .default(false)
    .describe('sends a test request first, and makes the destination only if it is taken'),
  sample: z
    .unknown()
    .optional()
    .openapi({ description: 'any JSON value: the item that the test request is made of' }),
})
export const standingOut = z
  .object({
    pausedAt: moment.nullable(),
    pauseReason: z.string().nullable(),
    circuit: z.enum(['closed', 'open', 'probing']).describe('open after too many failures'),
    openedAt: moment.nullable(),
    openReason: z.string().nullable(),
    probeAt: moment.nullable().describe('when one delivery may find out whether it is well again'),
  })
  .openapi('Standing')
export const destinationOut = z
  .object({
    id: z.uuid(),
    ...destinationFields,
    warnings: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .describe('what is allowed in its config and yet hardly wanted'),
    standing: standingOut,
  })
  .openapi('Destination')

const functionName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,200}$/, 'letters, digits, dots, hyphens and _')
  .openapi({ example: 'flatten-order' })
export const functionIn = z.strictObject({
  applicationId: z.uuid(),
  name: functionName,
  enabled: z.boolean().default(true),
  source: text
    .max(SOURCE_CHARS_MAX, `the source is longer than ${SOURCE_CHARS_MAX} characters`)
    .describe('the body of the function, see rewrite-functions/README.md')
    .openapi({ example: 'return { jobStatus: 1, data: job.data.data }' }),
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

export const problemOut = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem')
