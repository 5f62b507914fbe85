import { isUtf8 } from 'node:buffer'
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Integrations } from '../integrations/integrations.ts'
import type { EventDetail, Ledger } from '../ledger/ledger.ts'
import { parseExact } from '../payload/exact-json.ts'
import { newId } from '../platform/ids.ts'
import { exactJson } from './exact-body.ts'
import { Problem } from './problem.ts'
import { eventDetailOut, eventOut, eventsQuery, requestOut, requestsQuery } from './schemas.ts'
import { json, problems, security, serve } from './serve.ts'

export interface InspectionOptions {
  ledger: Ledger
  integrations: Integrations
  /** Hands runs over to the queue; must not throw and is not waited for. */
  handOver(runIds: string[]): void
}

const eventParam = z.object({ id: z.uuid().openapi({ param: { name: 'id', in: 'path' } }) })

/** Lists of what was received, one event with all that became of it, and its replay. */
export function serveInspection(
  api: OpenAPIHono,
  { ledger, integrations, handOver }: InspectionOptions,
): void {
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/events',
      tags: ['events'],
      security,
      request: { query: eventsQuery },
      responses: { 200: json(pageOf(eventOut), 'Events, newest first'), ...problems },
    }),
    async (context) => {
      const { status, cursor, from, to, ...filter } = context.req.valid('query')
      const items = await ledger.findEvents({
        ...filter,
        state: status,
        before: cursor,
        ...moments(from, to),
      })
      return exactJson(pageFrom(items, filter.limit))
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/requests',
      tags: ['events'],
      security,
      request: { query: requestsQuery },
      responses: {
        200: json(pageOf(requestOut), 'Requests, refused ones among them, newest first'),
        ...problems,
      },
    }),
    async (context) => {
      const { cursor, from, to, ...filter } = context.req.valid('query')
      const items = await ledger.findRequests({ ...filter, before: cursor, ...moments(from, to) })
      return exactJson(pageFrom(items, filter.limit))
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/events/{id}',
      tags: ['events'],
      security,
      request: { params: eventParam },
      responses: {
        200: json(eventDetailOut, 'One event with its request, runs, deliveries and attempts'),
        ...problems,
      },
    }),
    async (context) => exactJson(show(await found(ledger, context.req.valid('param').id))),
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/events/{id}/replay',
      tags: ['events'],
      security,
      request: { params: eventParam },
      responses: { 202: json(z.object({ runId: z.uuid() }), 'The new run'), ...problems },
    }),
    async (context) => {
      const event = await found(ledger, context.req.valid('param').id)
      const integration = integrations.integration(event.integrationId)
      if (!integration) throw new Problem(409, 'the integration of this event was deleted')
      const runId = newId()
      const replay = { eventId: event.id, runId, definitionVersion: integration.version }
      if (!(await ledger.replayEvent(replay))) {
        throw new Problem(409, `an event in state "${event.state}" is not replayed`)
      }
      handOver([runId])
      return exactJson({ runId }, 202)
    },
  )
}

function pageOf(item: z.ZodType) {
  return z.object({ items: z.array(item), next: z.uuid().nullable().describe('`cursor` of the next page') })
}

function pageFrom<T extends { id: string }>(items: T[], limit: number): object {
  return { items, next: items.length < limit ? null : (items.at(-1)?.id ?? null) }
}

function moments(from: string | undefined, to: string | undefined) {
  return {
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  }
}

async function found(ledger: Ledger, id: string): Promise<EventDetail> {
  const event = await ledger.findEvent(id)
  if (!event) throw new Problem(404, `there is no event ${id}`)
  return event
}

/** The ledger keeps JSON as text; here it becomes part of the answer, digits and all. */
function show(event: EventDetail): object {
  const { request, runs, payload, ...rest } = event
  return {
    ...rest,
    payload: parseExact(payload),
    request: { ...request, headers: JSON.parse(request.headers), body: showBytes(request.body) },
    runs: runs.map(({ nodes, deliveries, ...run }) => ({
      ...run,
      nodes: nodes.map((node) => ({
        ...node,
        output: node.output === null ? null : parseExact(node.output),
        log: JSON.parse(node.log),
      })),
      deliveries: deliveries.map(({ attempts, item, ...delivery }) => ({
        ...delivery,
        item: parseExact(item),
        attempts: attempts.map((attempt) => ({
          ...attempt,
          request: parseExact(attempt.request),
          responseHeaders: attempt.responseHeaders === null ? null : JSON.parse(attempt.responseHeaders),
          responseBody: showBytes(attempt.responseBody),
          timing: JSON.parse(attempt.timing),
        })),
      })),
    })),
  }
}

function showBytes(bytes: Buffer | null): object | null {
  if (bytes === null) return null
  return isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') }
}
