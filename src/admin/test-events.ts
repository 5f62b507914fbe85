import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import {
  type Destination,
  eraseAtOf,
  type Integration,
  type Integrations,
  keptPayload,
  mayKeepBody,
} from '../integrations/integrations.ts'
import { type AttemptRecord, type Entry, type Ledger, LedgerUnavailable } from '../ledger/ledger.ts'
import { type Json, stringifyExact } from '../payload/exact-json.ts'
import { newId } from '../platform/ids.ts'
import type { Audit } from './audit.ts'
import { exactJson } from './exact-body.ts'
import { Problem } from './problem.ts'
import { idParam, text } from './schemas.ts'
import { json, optional, problems, serve } from './serve.ts'
import { showBytes } from './shown.ts'

export interface TestEventsOptions {
  integrations: Integrations
  ledger: Ledger
  handOver(runIds: string[]): void
  /** Sends an item to a destination once, marked as a test; nothing of it is kept. */
  tryDestination(destination: Destination, item: Json, signal: AbortSignal): Promise<AttemptRecord>
  audit: Audit
  now(): Date
}

const anyJson = z.unknown().openapi({ description: 'any JSON value' })
const tryIn = z.strictObject({ item: anyJson.optional() })
const tryOut = z.object({
  delivered: z.boolean(),
  reason: z.string(),
  status: z.int().nullable(),
  request: z.object({
    method: z.string(),
    url: z.string(),
    headers: z.array(z.tuple([z.string(), z.string()])),
  }),
  responseHeaders: z.array(z.tuple([z.string(), z.string()])).nullable(),
  responseBody: z.object({ text: z.string().optional(), base64: z.string().optional() }).nullable(),
  timing: z.record(z.string(), z.number()).describe('milliseconds by phase'),
})
const eventIn = z.strictObject({
  payload: anyJson.optional().describe('what the event carries, as the nodes get it'),
  topic: text.max(300).optional().describe('what the source would call the event'),
})
const eventOut = z.object({ eventId: z.uuid(), runId: z.uuid() })

/** What an operator sends to see whether it arrives. */
export function serveTestEvents(api: OpenAPIHono, options: TestEventsOptions): void {
  const { integrations, now, tryDestination, audit } = options
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/destinations/{id}/test',
      tags: ['destinations'],
      request: { params: idParam, body: optional(tryIn) },
      responses: { 200: json(tryOut, 'What came of one attempt'), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const destination = integrations.destination(id)
      if (!destination) throw new Problem(404, `there is no destination ${JSON.stringify(id)}`)
      const { item } = tryIn.parse(context.req.valid('json'))
      await audit.note(context, { action: 'test', resource: 'destinations' }, destination)
      const attempt = await tryDestination(
        destination,
        item === undefined ? sample(now()) : (item as Json),
        context.req.raw.signal,
      )
      const { verdict, reason, status, request, responseHeaders, responseBody, timing } = attempt
      const answer = { status, responseHeaders, responseBody: showBytes(responseBody), timing }
      return exactJson({ delivered: verdict === 'delivered', reason, request, ...answer })
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/integrations/{id}/test',
      tags: ['integrations'],
      request: { params: idParam, body: optional(eventIn) },
      responses: { 202: json(eventOut, 'The event and its run'), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const integration = integrations.integration(id)
      if (!integration) throw new Problem(404, `there is no integration ${JSON.stringify(id)}`)
      const { payload, topic } = eventIn.parse(context.req.valid('json'))
      const given = payload === undefined ? sample(now()) : (payload as Json)
      const made = { eventId: newId(), runId: newId() }
      const also = [{ path: 'eventId', after: made.eventId }]
      await audit.note(context, { action: 'test', resource: 'integrations', also }, integration)
      await makeTestEvent({ integration, payload: given, topic: topic ?? null, ...made }, options)
      return exactJson(made, 202)
    },
  )
}

/** What is sent where nothing else is given. */
export function sample(at: Date): Json {
  return { test: true, message: 'a test from Sluice', sentAt: at.toISOString() }
}

interface TestEvent {
  integration: Integration
  payload: Json
  topic: string | null
  eventId: string
  runId: string
}

/** Its method is TEST, by which functions and decisions tell it from what a sender sent. */
async function makeTestEvent(
  { integration, payload, topic, eventId, runId }: TestEvent,
  { ledger, handOver, now }: TestEventsOptions,
): Promise<void> {
  const { id, applicationId, version, definition } = integration
  const body = Buffer.from(stringifyExact(payload))
  const request: Entry['request'] = {
    id: newId(),
    receivedAt: now(),
    applicationId,
    integrationId: id,
    sourceIp: 'api',
    method: 'TEST',
    path: `/integration/${id}`,
    headers: [['content-type', 'application/json']],
    contentType: 'application/json',
    body: mayKeepBody(definition.redact, true) ? body : null,
    bodyBytes: body.length,
    outcome: 'accepted',
    status: 202,
    detail: 'a test event, made by an operator',
  }
  const identity = { topic, deliveryId: null, eventId: null, occurredAt: null, sender: null }
  const kept = keptPayload(definition.redact, null, () => payload)
  const event = {
    id: eventId,
    position: 0,
    payload: kept.payload,
    shown: kept.shown,
    eraseAt: eraseAtOf(request.receivedAt, definition),
    identity,
    dedupe: null,
    quarantined: false,
    runId,
  }
  try {
    await ledger.record({ request, events: [{ ...event, definitionVersion: version }] })
  } catch (error) {
    if (error instanceof LedgerUnavailable) throw new Problem(503, 'the event could not be stored: try again')
    throw error
  }
  handOver([runId])
}
