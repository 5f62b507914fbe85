import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Integrations } from '../integrations/integrations.ts'
import type { Decided, Ledger } from '../ledger/ledger.ts'
import { type Json, stringifyExact } from '../payload/exact-json.ts'
import { newId } from '../platform/ids.ts'
import {
  cancelIn,
  deliveriesQuery,
  deliveryDetailOut,
  deliveryOut,
  deliveryParam,
  priorityIn,
  redeliverIn,
} from './delivery-schemas.ts'
import { exactJson } from './exact-body.ts'
import { moments, pageFrom, pageOf } from './page.ts'
import { Problem } from './problem.ts'
import { json, optional, problems, security, serve } from './serve.ts'
import { showDelivery } from './shown.ts'

export interface DeliveriesOptions {
  ledger: Ledger
  integrations: Integrations
}

const tags = ['deliveries']
const one = '/deliveries/{id}'

/** What waits, is being sent and has ended, across integrations, and what an operator does about it. */
export function serveDeliveries(api: OpenAPIHono, { ledger, integrations }: DeliveriesOptions): void {
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/deliveries',
      tags,
      security,
      request: { query: deliveriesQuery },
      responses: { 200: json(pageOf(deliveryOut), 'Deliveries, newest first'), ...problems },
    }),
    async (context) => {
      const { cursor, from, to, ...filter } = context.req.valid('query')
      const items = await ledger.listDeliveries({ ...filter, before: cursor, ...moments(from, to) })
      return exactJson(pageFrom(items, filter.limit))
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: one,
      tags,
      security,
      request: { params: deliveryParam },
      responses: { 200: json(deliveryDetailOut, 'One delivery with its attempts'), ...problems },
    }),
    async (context) => exactJson(await shown(ledger, context.req.valid('param').id)),
  )
  serve(
    api,
    createRoute({
      method: 'patch',
      path: one,
      tags,
      security,
      request: {
        params: deliveryParam,
        body: { required: true, content: { 'application/json': { schema: priorityIn } } },
      },
      responses: { 200: json(deliveryDetailOut, 'The delivery'), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const { priority } = context.req.valid('json')
      requireDone(
        await ledger.setPriority(id, priority),
        id,
        'only what has not ended can change its priority',
      )
      return exactJson(await shown(ledger, id))
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: `${one}/cancel`,
      tags,
      security,
      request: { params: deliveryParam, body: optional(cancelIn) },
      responses: { 200: json(deliveryDetailOut, 'It is discarded'), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const { reason } = cancelIn.parse(context.req.valid('json'))
      requireDone(await ledger.cancelDelivery(id, reason), id, 'only what waits can be cancelled')
      return exactJson(await shown(ledger, id))
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: `${one}/try-now`,
      tags,
      security,
      request: { params: deliveryParam },
      responses: {
        202: json(deliveryDetailOut, 'It waits for its turn only, which a paused destination does not give'),
        ...problems,
      },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      requireDone(await ledger.hurryDelivery(id), id, 'only what waits can be tried now')
      return exactJson(await shown(ledger, id), 202)
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: `${one}/replay`,
      tags,
      security,
      request: { params: deliveryParam, body: optional(redeliverIn) },
      responses: {
        202: json(z.object({ id: z.uuid() }), 'The new delivery, in the run of its original'),
        ...problems,
      },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const given = redeliverIn.parse(context.req.valid('json'))
      const before = await shown(ledger, id)
      const refusal = refusalOf(integrations, before.destinationId)
      if (refusal !== undefined) throw new Problem(409, refusal)
      const newDeliveryId = newId()
      const item = 'item' in given ? stringifyExact(given.item as Json) : null
      const decided = await ledger.redeliver({ deliveryId: id, newDeliveryId, item })
      requireDone(decided, id, 'only what has ended, and was not replaced, is replayed')
      return exactJson({ id: newDeliveryId }, 202)
    },
  )
}

/** Why nothing can be sent to a destination; undefined where something can. */
export function refusalOf(
  integrations: Pick<Integrations, 'destination'>,
  destinationId: string,
): string | undefined {
  const destination = integrations.destination(destinationId)
  if (!destination) return 'the destination was deleted'
  return destination.enabled ? undefined : 'the destination is disabled'
}

async function shown(ledger: Ledger, id: string): Promise<object & { destinationId: string }> {
  const delivery = await ledger.findDelivery(id)
  if (!delivery) throw missing(id)
  return { ...showDelivery(delivery), destinationId: delivery.destinationId }
}

/** @throws Problem when there is no such delivery, or it is in a state that does not allow this. */
function requireDone(decided: Decided, id: string, rule: string): void {
  if (!decided) throw missing(id)
  if ('done' in decided) return
  const { refused } = decided
  const now = refused === 'sending' ? 'this one is being sent at this moment' : `this one is "${refused}"`
  throw new Problem(409, `${rule}; ${now}`)
}

function missing(id: string): Problem {
  return new Problem(404, `there is no delivery ${id}`)
}
