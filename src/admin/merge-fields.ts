import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Integrations } from '../integrations/integrations.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { type Json, parseExact } from '../payload/exact-json.ts'
import { type MergeField, mergeFieldsOf } from '../payload/merge-fields.ts'
import { exactJson } from './exact-body.ts'
import { eventParam, foundEvent } from './found-event.ts'
import { Problem } from './problem.ts'
import { redactCarried } from './redacted.ts'
import { idParam } from './schemas.ts'
import { json, problems, serve } from './serve.ts'

export interface MergeFieldsOptions {
  ledger: Ledger
  integrations: Integrations
}

const EVENTS_MAX = 50
/** All fields of so much JSON are found in some milliseconds; larger payloads are left out. */
const PAYLOAD_BYTES_MAX = 512 * 1024
const FIELDS_MAX = 1_000

const learnedQuery = z.strictObject({
  events: z.coerce.number().int().min(1).max(EVENTS_MAX).default(20).describe('how many of the latest'),
})
const fieldsOut = z.array(
  z.object({
    path: z.string().describe('as it stands in a template'),
    example: z.string(),
    kind: z.enum(['text', 'number', 'boolean', 'null', 'list']),
    seen: z.int().describe('in so many of the events'),
  }),
)
const mergeFieldsOut = z
  .object({
    events: z.int().describe('events that were looked at'),
    payload: fieldsOut.describe('of what was received, for mappings and conditions'),
    nodes: z
      .array(z.object({ nodeId: z.string(), destinationId: z.uuid(), fields: fieldsOut }))
      .describe('of what was made of it for each destination, for its templates'),
  })
  .openapi('MergeFields')

/** The fields that templates can name, learned from what came. */
export function serveMergeFields(api: OpenAPIHono, { ledger, integrations }: MergeFieldsOptions): void {
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/integrations/{id}/merge-fields',
      tags: ['integrations'],
      request: { params: idParam, query: learnedQuery },
      responses: { 200: json(mergeFieldsOut, 'Fields of its latest events'), ...problems },
    }),
    async (context) => {
      const { id } = context.req.valid('param')
      const integration = integrations.integration(id)
      if (!integration) throw new Problem(404, `there is no integration ${JSON.stringify(id)}`)
      const { events } = context.req.valid('query')
      const latest = await ledger.findLatestPayloads(id, { events, bytes: PAYLOAD_BYTES_MAX })
      return exactJson(learn(latest.map((event) => redactCarried(event, integration.definition))))
    },
  )
  serve(
    api,
    createRoute({
      method: 'get',
      path: '/events/{id}/merge-fields',
      tags: ['events'],
      request: { params: eventParam },
      responses: { 200: json(mergeFieldsOut, 'Fields of this event'), ...problems },
    }),
    async (context) => {
      const { payload, runs, latestRunId } = await foundEvent(
        { ledger, integrations },
        context.req.valid('param').id,
      )
      const items = runs.find(({ id }) => id === latestRunId)?.deliveries ?? []
      return exactJson(learn([{ payload, items }]))
    },
  )
}

interface Seen {
  payload: string
  items: { nodeId: string; destinationId: string; item: string }[]
}
type Field = MergeField & { seen: number }

/** The newest example of each field, and the fields of the newest event first. */
function learn(events: Seen[]): object {
  const payload = new Map<string, Field>()
  const nodes = new Map<string, { nodeId: string; destinationId: string; fields: Map<string, Field> }>()
  for (const event of events) {
    add([parseExact(event.payload)], payload)
    const perNode = Map.groupBy(event.items, ({ nodeId, destinationId }) => `${destinationId}/${nodeId}`)
    for (const [key, items] of perNode) {
      const [{ nodeId, destinationId } = { nodeId: '', destinationId: '' }] = items
      const node = nodes.get(key) ?? { nodeId, destinationId, fields: new Map() }
      nodes.set(key, node)
      add(
        items.map(({ item }) => parseExact(item)),
        node.fields,
      )
    }
  }
  return {
    events: events.length,
    payload: [...payload.values()],
    nodes: [...nodes.values()].map((node) => ({ ...node, fields: [...node.fields.values()] })),
  }
}

/** Several items of one event count once. */
function add(items: Json[], known: Map<string, Field>): void {
  const found = new Map(items.flatMap((item) => mergeFieldsOf(item).map((field) => [field.path, field])))
  for (const [path, field] of found) {
    const before = known.get(path)
    if (before) before.seen += 1
    else if (known.size < FIELDS_MAX) known.set(path, { ...field, seen: 1 })
  }
}
