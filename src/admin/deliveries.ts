import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { type Integrations, sendsOriginals } from '../integrations/integrations.ts'
import type { Decided, Ledger } from '../ledger/ledger.ts'
import type { Json } from '../payload/exact-json.ts'
import { newId } from '../platform/ids.ts'
import { witnessIn } from './audit.ts'
import {
  cancelIn,
  deliveriesQuery,
  deliveryDetailOut,
  deliveryOut,
  deliveryParam,
  priorityIn,
  redeliverIn,
} from './delivery-schemas.ts'
import { editedItem } from './edited-item.ts'
import { exactJson } from './exact-body.ts'
import { findShownDelivery } from './found-event.ts'
import { moments, pageFrom, pageOf } from './page.ts'
import { Problem } from './problem.ts'
import type { RedactedDelivery } from './redacted.ts'
import { json, optional, problems, serve } from './serve.ts'
import { showDelivery } from './shown.ts'
import { whileHeard } from './while-heard.ts'

export interface DeliveriesOptions {
  ledger: Ledger
  integrations: Integrations
}

const resource = 'deliveries'
const tags = [resource]
const one = '/deliveries/{id}'

/** What waits, is being sent and has ended, across integrations, and what an operator does about it. */
export function serveDeliveries(api: OpenAPIHono, options: DeliveriesOptions): void {
  const { ledger, integrations } = options
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/deliveries',
      tags,
      request: { query: deliveriesQuery },
      responses: { 200: json(pageOf(deliveryOut), 'Deliveries, newest first'), ...problems },
    }),
    async (context) => {
      const { cursor, from, to, ...filter } = context.req.valid('query')
      const sought = { ...filter, before: cursor, ...moments(from, to) }
      const items = await whileHeard(context, (signal) => ledger.listDeliveries(sought, signal))
      return exactJson(pageFrom(items, filter.limit))
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: one,
      tags,
      request: { params: deliveryParam },
      responses: { 200: json(deliveryDetailOut, 'One delivery with its attempts'), ...problems },
    }),
    async (context) => exactJson(await shown(options, context.req.valid('param').id)),
  )
  serve(
    api,
    createRoute({
      method: 'patch',
      path: one,
      tags,
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
        await ledger.setPriority(id, priority, witnessIn(context, { action: 'change', resource })),
        id,
        'only what has not ended can change its priority',
      )
      return exactJson(await shown(options, id))
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: `${one}/cancel`,
      tags,
      request: { params: deliveryParam, body: optional(cancelIn) },
      responses: { 200: json(deliveryDetailOut, 'It is discarded'), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const { reason } = cancelIn.parse(context.req.valid('json'))
      const witness = witnessIn(context, { action: 'cancel', resource })
      requireDone(await ledger.cancelDelivery(id, reason, witness), id, 'only what waits can be cancelled')
      return exactJson(await shown(options, id))
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: `${one}/try-now`,
      tags,
      request: { params: deliveryParam },
      responses: {
        202: json(deliveryDetailOut, 'It waits for its turn only, which a paused destination does not give'),
        ...problems,
      },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const witness = witnessIn(context, { action: 'try-now', resource })
      requireDone(await ledger.hurryDelivery(id, witness), id, 'only what waits can be tried now')
      return exactJson(await shown(options, id), 202)
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: `${one}/replay`,
      tags,
      request: { params: deliveryParam, body: optional(redeliverIn) },
      responses: {
        202: json(z.object({ id: z.uuid() }), 'The new delivery, in the run of its original'),
        ...problems,
      },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const given = redeliverIn.parse(context.req.valid('json'))
      const before = await found(options, id)
      const refusal = refusalOf(integrations, before.destinationId)
      if (refusal !== undefined) throw new Problem(409, refusal)
      if ('item' in given && sendsOriginals(integrations.destination(before.destinationId)))
        throw new Problem(409, 'the destination sends the original body: an edited item would not be sent')
      const newDeliveryId = newId()
      const edited =
        'item' in given ? await editedItem(given.item as Json, before.item, id, ledger) : { item: null }
      const also = [
        { path: 'replayedAs', after: newDeliveryId },
        { path: 'edited', after: edited.item !== null },
      ]
      const witness = witnessIn(context, { action: 'replay', resource, also })
      const decided = await ledger.redeliver({ deliveryId: id, newDeliveryId, ...edited }, witness)
      requireDone(decided, id, 'only what has ended, and was neither replaced nor erased, is replayed')
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

async function shown(options: DeliveriesOptions, id: string): Promise<object> {
  return showDelivery(await found(options, id))
}

async function found(options: DeliveriesOptions, id: string): Promise<RedactedDelivery> {
  const delivery = await findShownDelivery(options, id)
  if (!delivery) throw missing(id)
  return delivery
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
