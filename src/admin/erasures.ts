import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import type { Ledger } from '../ledger/ledger.ts'
import { newId } from '../platform/ids.ts'
import type { Sealer } from '../platform/sealing.ts'
import { witnessIn } from './audit.ts'
import { deliveryParam } from './delivery-schemas.ts'
import { confirmIn, erasureDetailOut, erasureIn, erasureOut, erasuresQuery } from './erasure-schemas.ts'
import { exactJson } from './exact-body.ts'
import { pageFrom, pageOf } from './page.ts'
import { Problem } from './problem.ts'
import { json, optional, problems, serve } from './serve.ts'

export interface ErasuresOptions {
  ledger: Ledger
  sealer: Pick<Sealer, 'seal'>
}

const SAMPLE_MAX = 50
const resource = 'erasures'
const tags = [resource]

/** The deletion of one person's data: a search first, and what it found erased when somebody has confirmed it. */
export function serveErasures(api: OpenAPIHono, { ledger, sealer }: ErasuresOptions): void {
  async function found(id: string): Promise<object> {
    const erasure = await ledger.findErasure(id, SAMPLE_MAX)
    if (!erasure) throw new Problem(404, `there is no erasure ${id}`)
    return erasure
  }

  serve(
    api,
    createRoute({
      method: 'post',
      path: '/erasures',
      tags,
      request: { body: { required: true, content: { 'application/json': { schema: erasureIn } } } },
      responses: { 202: json(erasureDetailOut, 'The search, which goes on by itself'), ...problems },
    }),
    async (context) => {
      const { search, partsOfWords, applicationId, integrationId, from, to, reason } =
        context.req.valid('json')
      const id = newId()
      const erasure = {
        id,
        search: sealer.seal(search.trim(), `erasure:${id}`),
        partsOfWords,
        applicationId: applicationId ?? null,
        integrationId: integrationId ?? null,
        receivedFrom: from === undefined ? null : new Date(from),
        receivedBefore: to === undefined ? null : new Date(to),
        reason,
        requestedBy: context.get('caller').name,
      }
      await ledger.startErasure(erasure, witnessIn(context, { action: 'create', resource }))
      return exactJson(await found(id), 202)
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/erasures',
      tags,
      request: { query: erasuresQuery },
      responses: { 200: json(pageOf(erasureOut), 'Erasures, newest first'), ...problems },
    }),
    async (context) => {
      const { cursor, ...filter } = context.req.valid('query')
      const items = await ledger.listErasures({ ...filter, before: cursor })
      return exactJson(pageFrom(items, filter.limit))
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/erasures/{id}',
      tags,
      request: { params: deliveryParam },
      responses: { 200: json(erasureDetailOut, 'One erasure with its progress'), ...problems },
    }),
    async (context) => exactJson(await found(context.req.valid('param').id)),
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/erasures/{id}/confirm',
      tags,
      request: { params: deliveryParam, body: optional(confirmIn) },
      responses: { 202: json(erasureDetailOut, 'What was found is erased from now on'), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const { unfinished } = confirmIn.parse(context.req.valid('json'))
      const witness = witnessIn(context, { action: 'confirm', resource })
      const confirmed = await ledger.confirmErasure(id, unfinished, witness)
      const erasure = await found(id)
      if (!confirmed) throw new Problem(409, 'only what was found, and not confirmed yet, is confirmed')
      return exactJson(erasure, 202)
    },
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/erasures/{id}/cancel',
      tags,
      request: { params: deliveryParam },
      responses: {
        200: json(erasureDetailOut, 'It goes on no further; what it erased is gone'),
        ...problems,
      },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const cancelled = await ledger.cancelErasure(id, witnessIn(context, { action: 'cancel', resource }))
      const erasure = await found(id)
      if (!cancelled) throw new Problem(409, 'this erasure has ended')
      return exactJson(erasure)
    },
  )
}
