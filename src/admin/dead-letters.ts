import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Integrations } from '../integrations/integrations.ts'
import type { DeadLetterRow, Ledger } from '../ledger/ledger.ts'
import { parseExact } from '../payload/exact-json.ts'
import { witnessIn } from './audit.ts'
import {
  deadLetterDetailOut,
  deadLetterOut,
  deadLettersQuery,
  deliveryParam,
  discardIn,
} from './delivery-schemas.ts'
import { exactJson } from './exact-body.ts'
import { foundEvent } from './found-event.ts'
import { moments, pageFrom, pageOf } from './page.ts'
import { Problem } from './problem.ts'
import { json, optional, problems, serve } from './serve.ts'
import { showDelivery, showNode } from './shown.ts'
import { whileHeard } from './while-heard.ts'

const tags = ['dead letters']

export interface DeadLettersOptions {
  ledger: Ledger
  integrations: Integrations
}

/** What will not be tried again by itself. */
export function serveDeadLetters(api: OpenAPIHono, options: DeadLettersOptions): void {
  const { ledger } = options
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/dead-letters',
      tags,
      request: { query: deadLettersQuery },
      responses: {
        200: json(
          pageOf(deadLetterOut),
          'Dead deliveries and runs, newest first, but for those of events that were replayed since',
        ),
        ...problems,
      },
    }),
    async (context) => {
      const { cursor, from, to, ...filter } = context.req.valid('query')
      const sought = { ...filter, before: cursor, ...moments(from, to) }
      const items = await whileHeard(context, (signal) => ledger.listDeadLetters(sought, signal))
      return exactJson(pageFrom(items, filter.limit))
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/dead-letters/{id}',
      tags,
      request: { params: deliveryParam },
      responses: {
        200: json(deadLetterDetailOut, 'One dead letter with its attempts, its nodes and its event'),
        ...problems,
      },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const letter = await ledger.findDeadLetter(id)
      if (!letter) throw missing(id)
      return exactJson(await inspect(letter, options))
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/dead-letters/{id}/discard',
      tags,
      request: { params: deliveryParam, body: optional(discardIn) },
      responses: { 200: json(z.object({ id: z.uuid(), state: z.string() }), 'It is discarded'), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const { reason } = discardIn.parse(context.req.valid('json'))
      const witness = witnessIn(context, { action: 'discard', resource: 'dead-letters' })
      const decided = await ledger.discardDeadLetter(id, reason, witness)
      if (!decided) throw missing(id)
      if ('refused' in decided)
        throw new Problem(409, `only a dead letter is discarded; this one is "${decided.refused}"`)
      return exactJson({ id, state: 'discarded' })
    },
  )
}

async function inspect(letter: DeadLetterRow, options: DeadLettersOptions): Promise<object> {
  const { runs, request: _, payload, ...event } = await foundEvent(options, letter.eventId)
  const run = runs.find(({ id }) => id === letter.runId)
  const delivery = run?.deliveries.find(({ id }) => id === letter.id)
  return {
    ...letter,
    item: null,
    attempts: [],
    ...(delivery && showDelivery({ item: delivery.item, attempts: delivery.attempts })),
    nodes: run?.nodes.map(showNode) ?? [],
    event: { ...event, payload: parseExact(payload) },
  }
}

function missing(id: string): Problem {
  return new Problem(404, `there is no dead letter ${id}`)
}
