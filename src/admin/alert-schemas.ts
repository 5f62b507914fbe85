import { z } from '@hono/zod-openapi'
import { CONDITION_NAMES, channelConfigSchema, interestFields, whenSchema } from '../alerts/alerts.ts'
import { named, text } from './schemas.ts'

const moment = z.iso.datetime()

const channelFields = {
  applicationId: z
    .uuid()
    .nullable()
    .default(null)
    .describe('it hears of this application alone; null for one that hears of all'),
  name: text.max(200),
  enabled: z.boolean().default(true),
  config: named(channelConfigSchema, 'AlertChannelConfig').describe(
    'where and how it is told; secrets are shown as ***',
  ),
  ...interestFields,
}
export const channelIn = z.strictObject(channelFields)
export const channelOut = z
  .object({
    id: z.uuid(),
    ...channelFields,
    standing: z.object({
      waiting: z.int().describe('messages that are not sent yet'),
      lastSentAt: moment.nullable(),
      problem: z.string().nullable().describe('why the oldest of those that wait could not be sent'),
    }),
  })
  .openapi('AlertChannel')
export const channelTestOut = z.object({ sent: z.boolean(), problem: z.string().nullable() })

const ruleFields = {
  applicationId: z.uuid().nullable().default(null),
  integrationId: z.string().min(1).max(100).nullable().default(null),
  destinationId: z.uuid().nullable().default(null),
  enabled: z.boolean().default(true).describe('false: the condition is not looked at'),
  when: named(whenSchema, 'AlertCondition').describe('the condition and its limits'),
}
export const ruleIn = z.strictObject(ruleFields)
export const ruleOut = z.object({ id: z.uuid(), ...ruleFields }).openapi('AlertRule')

export const incidentsQuery = z.strictObject({
  state: z.enum(['open', 'recovered']).optional(),
  condition: z.enum(CONDITION_NAMES).optional(),
  applicationId: z.uuid().optional(),
  integrationId: text.max(100).optional(),
  destinationId: z.uuid().optional(),
  cursor: z.uuid().optional().describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})
export const incidentOut = z
  .object({
    id: z.uuid(),
    condition: z.string(),
    applicationId: z.uuid().nullable().describe('null where it is about an edge'),
    integrationId: z.string().nullable(),
    destinationId: z.uuid().nullable(),
    sentence: z.string().describe('what is wrong, as it was seen last'),
    openedAt: moment,
    lastSeenAt: moment,
    recoveredAt: moment.nullable().describe('null while it lasts'),
  })
  .openapi('Incident')
export const incidentDetailOut = incidentOut
  .extend({
    messages: z.array(
      z.object({
        id: z.uuid(),
        channelId: z.uuid(),
        kind: z.string(),
        createdAt: moment,
        sentAt: moment.nullable(),
        givenUpAt: moment.nullable(),
        tries: z.int(),
        note: z.string().nullable().describe('why it could not be sent, or what else is to be known'),
      }),
    ),
  })
  .openapi('IncidentDetail')
