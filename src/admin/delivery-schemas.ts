import { z } from '@hono/zod-openapi'
import { type DeliveryState, STATES } from '../ledger/ledger.ts'
import { anyJson, attemptOut, eventOut, givenMoment, nodeOut } from './inspection-schemas.ts'
import { text } from './schemas.ts'

const id = z.uuid()
const moment = z.iso.datetime()
const STATES_OF_DELIVERY = Object.keys(STATES.delivery) as [DeliveryState, ...DeliveryState[]]

const narrowing = {
  applicationId: id.optional(),
  integrationId: z.string().max(100).optional(),
  destinationId: id.optional(),
  eventId: id.optional(),
  reason: z.string().min(1).max(200).optional().describe('part of the reason, upper and lower case alike'),
}
const page = {
  cursor: id.optional().describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
}

export const deliveriesQuery = z.strictObject({
  ...narrowing,
  batchId: id.optional().describe('those that go, or went last, in this push: its webhook-id'),
  state: z.enum(STATES_OF_DELIVERY).optional(),
  text: z.string().min(2).max(200).optional().describe('text in what is sent, upper and lower case alike'),
  from: givenMoment.optional().describe('made at or after'),
  to: givenMoment.optional().describe('made before'),
  ...page,
})

/** What may be asked of dead letters, in a query and in the filter of a replay. */
export const deadLetterFilter = {
  ...narrowing,
  kind: z.enum(['delivery', 'run']).optional(),
  text: z
    .string()
    .min(2)
    .max(200)
    .optional()
    .describe('text in what was to be sent, or in the payload where a run died'),
  from: givenMoment.optional().describe('died at or after'),
  to: givenMoment.optional().describe('died before'),
}
export const deadLettersQuery = z.strictObject({ ...deadLetterFilter, ...page })

export const deliveryParam = z.object({ id: id.openapi({ param: { name: 'id', in: 'path' } }) })

const row = {
  id,
  runId: id,
  eventId: id,
  applicationId: id,
  integrationId: z.string(),
}
export const deliveryOut = z
  .object({
    ...row,
    destinationId: id,
    nodeId: z.string(),
    position: z.int(),
    state: z.enum(STATES_OF_DELIVERY),
    reason: z.string().nullable(),
    tries: z.int(),
    priority: z.int().describe('0 goes first, 9 last'),
    orderKey: z.string().nullable().describe('those to a destination with one key go one after the other'),
    batchId: id
      .nullable()
      .describe('what it goes, or went last, together with; null where it goes by itself'),
    replayOf: id.nullable(),
    madeAt: moment,
    dueAt: moment.nullable().describe('when it is tried next; past for what only waits for its turn'),
    endedAt: moment.nullable(),
    ageSeconds: z.int().describe('until it ended, or until now'),
    lastStatus: z.int().nullable(),
    lastReason: z.string().nullable(),
    lastAttemptAt: moment.nullable(),
  })
  .openapi('Delivery')
export const deliveryDetailOut = deliveryOut
  .extend({
    item: anyJson,
    edited: z.boolean().describe('a replay that carries something else than its original'),
    attempts: z.array(attemptOut),
  })
  .openapi('DeliveryDetail')

export const deadLetterOut = z
  .object({
    ...row,
    kind: z.enum(['delivery', 'run']).describe('a run that died has made no delivery'),
    destinationId: id.nullable(),
    nodeId: z.string().nullable(),
    reason: z.string().nullable(),
    tries: z.int(),
    madeAt: moment,
    diedAt: moment,
    lastStatus: z.int().nullable(),
  })
  .openapi('DeadLetter')
export const deadLetterDetailOut = deadLetterOut
  .extend({
    item: anyJson.describe('what was to be sent; null for a run'),
    attempts: z.array(attemptOut),
    nodes: z.array(nodeOut).describe('what each node did'),
    event: eventOut.extend({ payload: anyJson }),
  })
  .openapi('DeadLetterDetail')

export const cancelIn = z.strictObject({ reason: text.max(1_000).default('cancelled by an operator') })
export const discardIn = z.strictObject({ reason: text.max(1_000).default('discarded by an operator') })
export const priorityIn = z.strictObject({
  priority: z.int().min(0).max(9).describe('0 goes first, 9 last'),
})
export const redeliverIn = z.strictObject({
  item: anyJson.optional().describe('what is sent instead; what was sent stays with the original'),
})
