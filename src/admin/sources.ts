import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { FetchText, Integrations } from '../integrations/integrations.ts'
import { PRESETS, type Preset } from '../sources/sources.ts'
import { witnessIn } from './audit.ts'
import { exactJson } from './exact-body.ts'
import { Problem } from './problem.ts'
import { proofSchemaOf } from './proof-schema.ts'
import { json, problems, serve } from './serve.ts'

export interface SourcesOptions {
  integrations: Integrations
  fetchText: FetchText
  now(): Date
}

const replyOut = z.object({ status: z.int(), contentType: z.string().nullable(), body: z.string() })

const sourceOut = z
  .object({
    name: z.string().describe('the `source` of a definition'),
    title: z.string(),
    setup: z.string().describe('what is done at the source'),
    methods: z.array(z.string()),
    proof: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe(
        'JSON schema of the `proof` of a definition; null where the source has no way to prove itself',
      ),
    covers: z
      .object({
        body: z.union([z.enum(['bytes', 'nothing', 'parameters']), z.array(z.string())]),
        headers: z.array(z.string()),
        url: z.boolean(),
      })
      .nullable()
      .describe('what a proof covers; null where that depends on the proof, or there is none'),
    handshakes: z.array(
      z.object({
        kind: z.string(),
        method: z.string(),
        asked: z.enum(['before proof', 'after proof']),
        pins: z.boolean().describe('it may pin the sender while the integration waits for it'),
        confirmable: z.boolean().describe('it may bring an address by which the operator confirms'),
      }),
    ),
    replies: z.object({
      accepted: replyOut,
      refused: z.enum(['sentence', 'nothing']),
      retryStatus: z.int().nullable(),
    }),
    senderDomains: z.array(z.string()),
    publishedAddresses: z
      .object({ url: z.url(), count: z.int(), fetchedAt: z.iso.datetime().nullable() })
      .nullable(),
  })
  .openapi('Source')

const nameParam = z.object({
  name: z
    .string()
    .max(100)
    .openapi({ param: { name: 'name', in: 'path' } }),
})
const refreshOut = z.object({ count: z.int(), fetchedAt: z.iso.datetime() })

/** The systems that can send, what each of them asks for, and the addresses that they publish. */
export function serveSources(api: OpenAPIHono, { integrations, fetchText, now }: SourcesOptions): void {
  const tags = ['sources']
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/sources',
      tags,
      responses: { 200: json(z.object({ items: z.array(sourceOut) }), 'All sources'), ...problems },
    }),
    async () => exactJson({ items: [...PRESETS.values()].map((preset) => show(preset, integrations)) }),
  )
  serve(
    api,
    createRoute({
      method: 'post',
      path: '/sources/{name}/addresses/refresh',
      tags,
      request: { params: nameParam },
      responses: { 200: json(refreshOut, 'The list that was fetched'), ...problems },
    }),
    async (context) => {
      const { name } = context.req.valid('param')
      const preset = PRESETS.get(name)
      if (!preset) throw new Problem(404, `there is no source ${JSON.stringify(name)}`)
      if (!preset.publishedAddresses) throw new Problem(409, `${preset.title} publishes no addresses`)
      const fetchedAt = now()
      const witness = witnessIn(context, { action: 'refresh', resource: 'sources' })
      const refreshed = await integrations.refreshPublished(name, fetchText, fetchedAt, witness)
      if (!refreshed.ok) throw new Problem(502, refreshed.message)
      return exactJson({ count: refreshed.count, fetchedAt })
    },
  )
}

function show(preset: Preset, integrations: Integrations): object {
  const { name, title, setup, methods, proof, handshakes, replies, senderDomains } = preset
  const { status, contentType, body } = replies.accepted
  const covers = proof?.covers
  return {
    name,
    title,
    setup,
    methods,
    proof: proofSchemaOf(preset) ?? null,
    covers: typeof covers === 'object' ? covers : null,
    handshakes: handshakes.map(({ kind, method, asked, pins, confirmedAt }) => ({
      kind,
      method,
      asked,
      pins: pins ?? false,
      confirmable: confirmedAt !== undefined,
    })),
    replies: {
      accepted: { status, contentType: contentType ?? null, body },
      refused: replies.refused,
      retryStatus: replies.retryStatus ?? null,
    },
    senderDomains,
    publishedAddresses: showPublished(preset, integrations),
  }
}

function showPublished({ name, publishedAddresses }: Preset, integrations: Integrations): object | null {
  if (!publishedAddresses) return null
  const list = integrations.publishedList(name)
  return {
    url: publishedAddresses.url,
    count: list?.entries.length ?? 0,
    fetchedAt: list?.fetchedAt ?? null,
  }
}
