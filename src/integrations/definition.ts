import { z } from 'zod'
import { conditionSchema } from '../payload/condition.ts'
import type { Json } from '../payload/exact-json.ts'
import { parsePath } from '../payload/path.ts'
import { proofSchema } from '../sources/sources.ts'
import { parseAllowlist } from './allowlist.ts'

const pathSchema = z
  .string()
  .max(1_000)
  .superRefine((text, context) => {
    try {
      parsePath(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
    }
  })

/** Entries of an allowlist; each problem names its entry. */
export const allowedListSchema = z
  .array(z.string().min(1).max(300))
  .max(10_000)
  .superRefine((entries, context) => {
    const reading = parseAllowlist(entries)
    if (!('errors' in reading)) return
    for (const message of reading.errors) context.addIssue({ code: 'custom', message })
  })

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
  z.strictObject({
    id: nodeIdSchema,
    kind: z.literal('push'),
    destination: z.uuid(),
    ...rewriting,
    batch: z.boolean().default(false).describe('send an array as one delivery instead of one per element'),
  }),
])

export const dedupeSchema = z.discriminatedUnion('by', [
  z.strictObject({
    by: z.literal('header'),
    header: z.string().min(1).max(64),
    windowSeconds: windowSeconds(),
  }),
  z.strictObject({
    by: z.literal('fields'),
    fields: z.array(pathSchema).min(1).max(20),
    windowSeconds: windowSeconds(),
  }),
  z.strictObject({ by: z.literal('body'), windowSeconds: windowSeconds() }),
])

/** What is agreed with a sender, and what happens to its events: everything of an integration that has versions. */
export const definitionSchema = z
  .strictObject({
    source: z.literal('generic').default('generic'),
    allowedList: allowedListSchema.default([]),
    proof: proofSchema.nullable().default(null),
    limits: z
      .strictObject({
        bodyBytesMax: z
          .int()
          .min(1)
          .max(32 * 1024 * 1024)
          .optional(),
        depthMax: z.int().min(1).max(1_000).optional(),
        keysMax: z.int().min(1).max(10_000_000).optional(),
        requestsPerSecondMax: z.number().positive().max(100_000).optional(),
      })
      .default({}),
    split: pathSchema
      .nullable()
      .default(null)
      .describe('path of an array of which each element becomes an event; "" is the body itself'),
    alwaysList: z
      .array(pathSchema)
      .max(1_000)
      .default([])
      .describe('paths of an XML body that are lists even when they occur once'),
    dedupe: dedupeSchema.nullable().default(null),
    nodes: z.array(nodeSchema).min(1).max(100),
  })
  .superRefine((definition, context) => {
    for (const message of graphFaults(definition.nodes))
      context.addIssue({ code: 'custom', path: ['nodes'], message })
  })

export type Definition = z.infer<typeof definitionSchema>
export type Node = z.infer<typeof nodeSchema>
export type Dedupe = z.infer<typeof dedupeSchema>

/** The nodes that a node leads to, whatever its kind. */
export function nextOf(node: Node): string[] {
  if (node.kind === 'push') return []
  if (node.kind === 'transform') return node.next
  return [...node.branches.flatMap((branch) => branch.next), ...node.otherwise]
}

function windowSeconds() {
  return z
    .int()
    .min(1)
    .max(90 * 86_400)
    .default(86_400)
}

function graphFaults(nodes: Node[]): string[] {
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
