import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Integrations } from '../integrations/integrations.ts'
import type { EventRow, Ledger } from '../ledger/ledger.ts'
import { newId } from '../platform/ids.ts'
import { witnessIn } from './audit.ts'
import { exactJson } from './exact-body.ts'
import { eventParam, foundEvent } from './found-event.ts'
import { Problem } from './problem.ts'
import { json, problems, serve } from './serve.ts'

export interface QuarantineOptions {
  ledger: Ledger
  integrations: Integrations
  /** Hands runs over to the queue; must not throw and is not waited for. */
  handOver(runIds: string[]): void
}

const discardIn = z.strictObject({
  reason: z.string().min(1).max(1_000).default('discarded by an operator'),
})

/** What an operator decides about an event that was held because it was not proven. */
export function serveQuarantine(
  api: OpenAPIHono,
  { ledger, integrations, handOver }: QuarantineOptions,
): void {
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/events/{id}/release',
      tags: ['events'],
      request: { params: eventParam },
      responses: { 202: json(z.object({ runId: z.uuid() }), 'Its first run'), ...problems },
    }),
    async (context) => {
      const event = await foundEvent({ ledger, integrations }, context.req.valid('param').id)
      const integration = integrations.integration(event.integrationId)
      if (!integration) throw new Problem(409, 'the integration of this event was deleted')
      const runId = newId()
      const release = { eventId: event.id, runId, definitionVersion: integration.version }
      const witness = witnessIn(context, { action: 'release', resource: 'events' })
      if (!(await ledger.releaseEvent(release, witness))) throw notHeld(event, 'released')
      handOver([runId])
      return exactJson({ runId }, 202)
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/events/{id}/discard',
      tags: ['events'],
      request: {
        params: eventParam,
        body: { required: false, content: { 'application/json': { schema: discardIn } } },
      },
      responses: { 200: json(z.object({ id: z.uuid(), state: z.string() }), 'It is discarded'), ...problems },
    }),
    async (context) => {
      const event = await foundEvent({ ledger, integrations }, context.req.valid('param').id)
      const { reason } = discardIn.parse(context.req.valid('json'))
      const witness = witnessIn(context, { action: 'discard', resource: 'events' })
      if (!(await ledger.discardEvent(event.id, reason, witness))) throw notHeld(event, 'discarded')
      return exactJson({ id: event.id, state: 'discarded' })
    },
  )
}

function notHeld({ state }: EventRow, done: string): Problem {
  const now = state === 'quarantined' ? 'somebody else has just decided about it' : `this one is "${state}"`
  return new Problem(409, `only an event in quarantine is ${done}; ${now}`)
}
