import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import type { Ledger, ReplayRow } from '../ledger/ledger.ts'
import { type Json, parseExact, stringifyExact } from '../payload/exact-json.ts'
import { newId } from '../platform/ids.ts'
import { witnessIn } from './audit.ts'
import { deliveryParam } from './delivery-schemas.ts'
import { exactJson } from './exact-body.ts'
import { pageFrom, pageOf } from './page.ts'
import { Problem } from './problem.ts'
import {
  estimateOut,
  replayDetailOut,
  replayOut,
  replaysIn,
  replaysQuery,
  selectionOf,
} from './replay-schemas.ts'
import { json, problems, serve } from './serve.ts'
import { whileHeard } from './while-heard.ts'

/** Of one replay. */
const MATCHED_MAX = 100_000
const FAILURES_MAX = 100
const tags = ['replays']

/** Replays of many by filter: an estimate first, then the progress of one, and its end. */
export function serveReplays(api: OpenAPIHono, { ledger }: { ledger: Ledger }): void {
  async function found(id: string): Promise<object> {
    const replay = await ledger.findReplay(id, FAILURES_MAX)
    if (!replay) throw new Problem(404, `there is no replay ${id}`)
    return show(replay)
  }

  serve(
    api,
    createRoute({
      method: 'post',
      path: '/replays',
      tags,
      request: { body: { required: true, content: { 'application/json': { schema: replaysIn } } } },
      responses: {
        200: json(estimateOut, 'The estimate that was asked for'),
        202: json(replayDetailOut, 'The replay, which goes on by itself'),
        ...problems,
      },
    }),
    async (context) => {
      const given = context.req.valid('json')
      const { of, definition, perSecond } = given
      const selection = selectionOf(given)
      if (given.estimate) {
        const matched = await whileHeard(context, (signal) =>
          ledger.countReplayed(selection, MATCHED_MAX, signal),
        )
        return exactJson({ matched, tooMany: matched > MATCHED_MAX })
      }
      const id = newId()
      const filter = stringifyExact(given.filter as unknown as Json)
      const applicationId = given.filter.applicationId ?? null
      const replay = { id, applicationId, selection, filter, definition, perSecond }
      const witness = witnessIn(context, { action: 'create', resource: 'replays' })
      if (!(await ledger.startReplay(replay, MATCHED_MAX, witness)))
        throw new Problem(409, `more than ${MATCHED_MAX} ${of.replace('-', ' ')} match: narrow the filter`)
      return exactJson(await found(id), 202)
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/replays',
      tags,
      request: { query: replaysQuery },
      responses: { 200: json(pageOf(replayOut), 'Replays of many, newest first'), ...problems },
    }),
    async (context) => {
      const { applicationId, cursor, limit } = context.req.valid('query')
      const items = await ledger.listReplays({ applicationId, before: cursor, limit })
      return exactJson(pageFrom(items.map(show), limit))
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/replays/{id}',
      tags,
      request: { params: deliveryParam },
      responses: { 200: json(replayDetailOut, 'One replay with its progress'), ...problems },
    }),
    async (context) => exactJson(await found(context.req.valid('param').id)),
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/replays/{id}/cancel',
      tags,
      request: { params: deliveryParam },
      responses: { 200: json(replayDetailOut, 'It goes on no further; what it did stays'), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const witness = witnessIn(context, { action: 'cancel', resource: 'replays' })
      const cancelled = await ledger.cancelReplay(id, witness)
      const replay = await found(id)
      if (!cancelled) throw new Problem(409, 'this replay has ended')
      return exactJson(replay)
    },
  )
}

function show<Row extends ReplayRow>({ filter, ...replay }: Row) {
  return { ...replay, filter: parseExact(filter) }
}
