import { z } from '@hono/zod-openapi'
import { readAddress } from '../integrations/integrations.ts'
import { type EventState, STATES } from '../ledger/ledger.ts'

/** Any JSON; integers keep their digits. */
export const anyJson = z.unknown().openapi({ description: 'any JSON value' })

const FIRST_MS = Date.parse('0001-01-01T00:00:00Z')
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z')

/** In a zone of one's own, whose offset may lead out of the years that the database reads. */
export const givenMoment = z.iso
  .datetime({ offset: true })
  .refine(
    (text) => Date.parse(text) >= FIRST_MS && Date.parse(text) <= LAST_MS,
    'expected a time in the years 1 to 9999, in UTC',
  )

/** Of a sender; in whatever form it is given, it is compared in the one that is kept. */
export const givenAddress = z
  .string()
  .max(100)
  .refine((text) => readAddress(text) !== undefined, 'expected an IPv4 or IPv6 address')
  .transform((text) => readAddress(text)?.text ?? text)

const page = {
  from: givenMoment.optional().describe('received at or after'),
  to: givenMoment.optional().describe('received before'),
  cursor: z.uuid().optional().describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
}
export const definitionIn = z
  .enum(['current', 'then'])
  .default('current')
  .describe('whether the nodes and their functions are those of today, or those of the latest run')
export const replayIn = z.strictObject({ definition: definitionIn })

const EVENT_STATES = Object.keys(STATES.event) as [EventState, ...EventState[]]

export const eventsQuery = z.strictObject({
  applicationId: z.uuid().optional(),
  integrationId: z.string().max(100).optional(),
  status: z.enum(EVENT_STATES).optional().describe('state of the event'),
  sourceIp: givenAddress.optional(),
  dedupeKey: z.string().max(100).optional(),
  topic: z.string().max(300).optional().describe('topic or event type, as the source calls it'),
  sender: z.string().max(300).optional().describe('shop, domain or account that it comes from'),
  sourceId: z.string().max(300).optional().describe("the source's own id of the event or of its delivery"),
  text: z.string().min(2).max(200).optional().describe('text in the payload, upper and lower case alike'),
  ...page,
})
export const requestsQuery = z.strictObject({
  applicationId: z.uuid().optional(),
  integrationId: z.string().max(100).optional(),
  outcome: z.string().max(50).optional().describe('accepted, or the reason of a refusal'),
  sourceIp: givenAddress.optional(),
  ...page,
})

const id = z.uuid()
const moment = z.iso.datetime()

const sourceOut = z
  .object({
    topic: z.string().nullable(),
    deliveryId: z.string().nullable(),
    eventId: z.string().nullable(),
    occurredAt: moment.nullable(),
    sender: z.string().nullable(),
  })
  .describe('what the sending system calls the event')

export const eventOut = z
  .object({
    id,
    requestId: id,
    position: z.int(),
    applicationId: id,
    integrationId: z.string(),
    receivedAt: moment,
    sourceIp: z.string(),
    source: sourceOut,
    dedupeKey: z.string().nullable(),
    duplicateOf: id.nullable(),
    latestRunId: id.nullable(),
    state: z.string(),
    reason: z.string().nullable().describe('why an operator discarded it'),
    erasedAt: moment.nullable().describe('when what it carried was erased, or the redacted part of that'),
    erasedBy: z.string().nullable().describe('redaction, retention, or the id of the erasure that did'),
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
    erasedAt: moment.nullable().describe('when what it carried was erased'),
  })
  .openapi('Request')

const body = z
  .object({ text: z.string().optional(), base64: z.string().optional() })
  .nullable()
  .describe('text where the bytes are UTF-8, else base64')

export const attemptOut = z.object({
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
  batchId: id
    .nullable()
    .describe('the push that it was part of with others; null where it was sent by itself'),
})
export const nodeOut = z.object({
  nodeId: z.string(),
  outcome: z.string(),
  message: z.string().nullable(),
  output: anyJson,
  log: anyJson,
  call: anyJson.describe('what it asked another system, with status and timing; null for most'),
  functionVersion: z.string().nullable(),
  wallMs: z.number(),
  cpuMs: z.number(),
})

export const eventDetailOut = eventOut
  .extend({
    payload: anyJson,
    request: requestOut.extend({
      headers: z.array(z.tuple([z.string(), z.string()])),
      body,
      bodyRedacted: z
        .boolean()
        .describe('there is a body, which is not shown because fields of it are redacted'),
    }),
    runs: z.array(
      z.object({
        id,
        definitionVersion: z.int(),
        cause: z.string(),
        state: z.string(),
        reason: z.string().nullable(),
        takes: z.int(),
        retries: z.int().describe('how often it failed and was put aside to be made again'),
        stops: z.int().describe('how often its worker was stopped in the middle of it'),
        dueAt: moment.nullable().describe('when it is to be made again'),
        answer: anyJson.describe('what it had to say to a sender that waited, or why nothing'),
        startedAt: moment.nullable(),
        endedAt: moment.nullable(),
        nodes: z.array(nodeOut),
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
            attempts: z.array(attemptOut),
          }),
        ),
      }),
    ),
  })
  .openapi('EventDetail')
