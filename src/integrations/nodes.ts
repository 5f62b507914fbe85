import { z } from 'zod'
import { conditionSchema } from '../payload/condition.ts'
import type { Json } from '../payload/exact-json.ts'
import { callRequestSchema, callResultSchema } from './call-config.ts'
import { turnFields } from './push-turn.ts'

const nodeIdSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'letters, digits, - and _, at most 64')
const nextSchema = z.array(nodeIdSchema).max(50).default([])

/** A mapping is read by `rewrite`; here it is any JSON object. */
const mappingSlot = z.custom<Record<string, Json>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'a mapping is an object: { "<destination field>": "<source field>" }',
)

const rewriting = {
  function: z.string().min(1).max(200).optional().describe('name of a rewrite function'),
  mapping: mappingSlot.optional(),
  each: z
    .boolean()
    .optional()
    .describe('false: the mapping sees a list as one value; else it is applied to each element'),
}

function refusedBatch({ code, keys = [] }: { code: string; keys?: string[] }): string | undefined {
  if (code !== 'unrecognized_keys' || !keys.includes('batch')) return undefined
  return 'a push node has no batch: "array": "whole" sends a list as one delivery, and the batch of a destination puts deliveries together'
}

export const nodeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ id: nodeIdSchema, kind: z.literal('transform'), ...rewriting, next: nextSchema }),
  z.strictObject({
    id: nodeIdSchema,
    kind: z.literal('decision'),
    branches: z
      .array(z.strictObject({ when: conditionSchema, next: nextSchema }))
      .min(1)
      .max(50),
    otherwise: nextSchema,
    all: z.boolean().default(false).describe('take every branch whose condition holds, not only the first'),
  }),
  z.strictObject(
    {
      id: nodeIdSchema,
      kind: z.literal('push'),
      destination: z.uuid(),
      when: conditionSchema.optional().describe('nothing is sent unless it holds for what comes in'),
      ...rewriting,
      array: z
        .enum(['each', 'whole'])
        .default('each')
        .describe('each: a list makes one delivery for each element; whole: it makes one'),
      ...turnFields,
    },
    { error: refusedBatch },
  ),
  z.strictObject({
    id: nodeIdSchema,
    kind: z.literal('call'),
    request: callRequestSchema,
    result: callResultSchema,
    onFailure: z
      .enum(['fail', 'continue'])
      .default('fail')
      .describe('continue: the data goes on without an answer'),
    next: nextSchema,
  }),
])

export type Node = z.infer<typeof nodeSchema>

/** The nodes that a node leads to, whatever its kind. */
export function nextOf(node: Node): string[] {
  if (node.kind === 'push') return []
  if (node.kind !== 'decision') return node.next
  return [...node.branches.flatMap((branch) => branch.next), ...node.otherwise]
}

/** What is wrong with the way that the nodes go. */
export function graphFaults(nodes: Node[]): string[] {
  const known = new Map(nodes.map((node) => [node.id, node]))
  if (known.size !== nodes.length) return ['two nodes have the same id']
  const unknown = nodes.flatMap((node) =>
    nextOf(node)
      .filter((next) => !known.has(next))
      .map((next) => `node "${node.id}" leads to "${next}", which does not exist`),
  )
  if (unknown.length > 0) return unknown
  const circle = findCircle(nodes, known)
  return circle === undefined ? [] : [`the nodes go in a circle: ${circle.join(' → ')}`]
}

function findCircle(nodes: Node[], known: Map<string, Node>): string[] | undefined {
  const done = new Set<string>()
  function visit(id: string, way: string[]): string[] | undefined {
    if (way.includes(id)) return [...way.slice(way.indexOf(id)), id]
    if (done.has(id)) return undefined
    const node = known.get(id)
    const circle = (node ? nextOf(node) : [])
      .map((next) => visit(next, [...way, id]))
      .find((found) => found !== undefined)
    done.add(id)
    return circle
  }
  return nodes.map((node) => visit(node.id, [])).find((found) => found !== undefined)
}
