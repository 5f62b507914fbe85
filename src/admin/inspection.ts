import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Integrations } from '../integrations/integrations.ts'
import type { EventRow, Ledger } from '../ledger/ledger.ts'
import { newId } from '../platform/ids.ts'
import { witnessIn } from './audit.ts'
import { exactJson } from './exact-body.ts'
import { eventParam, foundEvent } from './found-event.ts'
import {
  eventDetailOut,
  eventOut,
  eventsQuery,
  replayIn,
  requestOut,
  requestsQuery,
} from './inspection-schemas.ts'
import { moments, pageFrom, pageOf } from './page.ts'
import { Problem } from './problem.ts'
import { json, optional, problems, serve } from './serve.ts'
import { showEvent } from './shown.ts'
import { whileHeard } from './while-heard.ts'

export interface InspectionOptions {
  ledger: Ledger
  integrations: Integrations
  /** Hands runs over to the queue; must not throw and is not waited for. */
  handOver(runIds: string[]): void
}

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
      request: { query: eventsQuery },
      responses: { 200: json(pageOf(eventOut), 'Events, newest first'), ...problems },
    }),
    async (context) => {
      const { status, cursor, from, to, ...filter } = context.req.valid('query')
      const sought = { ...filter, state: status, before: cursor, ...moments(from, to) }
      const items = await whileHeard(context, (signal) => ledger.findEvents(sought, signal))
      return exactJson(pageFrom(items, filter.limit))
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/requests',
      tags: ['events'],
      request: { query: requestsQuery },
      responses: {
        200: json(pageOf(requestOut), 'Requests, refused ones among them, newest first'),
        ...problems,
      },
    }),
    async (context) => {
      const { cursor, from, to, ...filter } = context.req.valid('query')
      const sought = { ...filter, before: cursor, ...moments(from, to) }
      const items = await whileHeard(context, (signal) => ledger.findRequests(sought, signal))
      return exactJson(pageFrom(items, filter.limit))
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/events/{id}',
      tags: ['events'],
      request: { params: eventParam },
      responses: {
        200: json(eventDetailOut, 'One event with its request, runs, deliveries and attempts'),
        ...problems,
      },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const found = (signal: AbortSignal) => foundEvent({ ledger, integrations }, id, signal)
      return exactJson(showEvent(await whileHeard(context, found)))
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/events/{id}/replay',
      tags: ['events'],
      request: { params: eventParam, body: optional(replayIn) },
      responses: { 202: json(z.object({ runId: z.uuid() }), 'The new run'), ...problems },
    }),
    async (context) => {
      const event = await foundEvent({ ledger, integrations }, context.req.valid('param').id)
      const integration = integrations.integration(event.integrationId)
      if (!integration) throw new Problem(409, 'the integration of this event was deleted')
      const { definition } = replayIn.parse(context.req.valid('json'))
      const then = definition === 'then' ? event.runs.find(({ id }) => id === event.latestRunId) : undefined
      const runId = newId()
      const replay = {
        eventId: event.id,
        runId,
        definitionVersion: then?.definitionVersion ?? integration.version,
        functionsOf: then?.id,
      }
      const witness = witnessIn(context, {
        action: 'replay',
        resource: 'events',
        also: [{ path: 'definition', after: definition }],
      })
      if (!(await ledger.replayEvent(replay, witness))) {
        const now = await foundEvent({ ledger, integrations }, event.id)
        throw new Problem(409, notReplayed(event, now))
      }
      handOver([runId])
      return exactJson({ runId }, 202)
    },
  )
}

/** Why an event gets no new run: as it was seen before the try, and as it is after it. */
function notReplayed({ state, latestRunId }: EventRow, now: EventRow): string {
  if (now.latestRunId !== latestRunId) return 'somebody else replayed this event at the same time'
  if (now.erasedAt !== null) return 'what this event carried was erased'
  if (state === 'quarantined') return 'this event is in quarantine: it is released or discarded, not replayed'
  if (state === 'discarded' && latestRunId === null)
    return 'this event was discarded from quarantine: it was never proven and is not replayed'
  return `an event in state "${state}" is not replayed`
}
