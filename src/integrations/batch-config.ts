import { z } from 'zod'
import { compileTemplate, fieldsOf, renderTemplate } from '../payload/template.ts'
import type { PlacedProblem } from './destination-auth.ts'
import { checkedTemplate, pathText } from './destinations/every-kind.ts'

const MIB = 1_048_576

const fieldName = z.string().min(1).max(100)
const told = z.union([z.string().max(200), z.number(), z.boolean(), z.null()])

/** Where an answer says what became of each item. */
const resultsSchema = z.strictObject({
  path: pathText.describe('path of the list in the answer; "" is the answer itself'),
  lists: z
    .enum(['all', 'failed'])
    .default('all')
    .describe('failed: an item that is not listed was taken; else it is tried again'),
  match: z
    .enum(['order', 'index', 'id'])
    .default('order')
    .describe('how a result names its item: the first is that of the first item, by index from 0, or by id'),
  matchPath: pathText.optional().describe('path of the index or id in a result'),
  itemPath: pathText
    .optional()
    .describe('path of the same id in an item; that of its delivery unless given, which needs idField'),
  valuePath: pathText.default('').describe('path of what tells success in a result; "" is the result itself'),
  success: z.array(told).max(20).default([]).describe('values that mean delivered'),
  dead: z.array(told).max(20).default([]).describe('values that end a delivery at once'),
  messagePath: pathText.optional().describe('path of a text in a result that is kept with the attempt'),
})

export const batchSchema = z
  .strictObject({
    itemsMax: z.int().min(1).max(1_000).default(100).describe('deliveries in one push'),
    bytesMax: z
      .int()
      .min(1_024)
      .max(16 * MIB)
      .default(MIB)
      .describe('bytes of one body; a delivery that is larger by itself goes alone'),
    waitMs: z
      .int()
      .min(0)
      .max(3_600_000)
      .default(1_000)
      .describe('so long a delivery waits for others before it goes with whatever there is'),
    as: z
      .enum(['array', 'ndjson', 'object'])
      .default('array')
      .describe('a JSON array, a line of JSON for each item, or an object that holds the array'),
    field: fieldName.default('items').describe('of an object: the key of the array'),
    around: z
      .record(fieldName, z.union([checkedTemplate, z.number(), z.boolean(), z.null()]))
      .optional()
      .describe('of an object: what else it holds; texts are templates over batch.id and batch.count'),
    idField: fieldName.optional().describe('key under which each item carries the id of its delivery'),
    itemField: fieldName
      .optional()
      .describe('key under which each item stands in an object of its own; else it stands as it is'),
    results: resultsSchema
      .optional()
      .describe('what the answer says of each item; without it, what it says is said of all'),
    apart: z
      .boolean()
      .default(false)
      .describe('send one by one what was refused together for what it holds (400, 413, 415, 422)'),
  })
  .superRefine((batch, context) => {
    for (const { path, message } of [...shapeProblems(batch), ...resultsProblems(batch)])
      context.addIssue({ code: 'custom', path, message })
  })
  .describe('several deliveries in one push')

export type BatchConfig = z.infer<typeof batchSchema>
export type ResultsConfig = NonNullable<BatchConfig['results']>

function shapeProblems({ as, field, around, idField, itemField }: BatchConfig): PlacedProblem[] {
  const problems: PlacedProblem[] = []
  if (as !== 'object' && around) problems.push({ path: ['around'], message: 'is for "as": "object"' })
  if (Object.keys(around ?? {}).length > 20)
    problems.push({ path: ['around'], message: 'more than 20 fields' })
  for (const [name, text] of Object.entries(around ?? {})) {
    const message = name === field ? 'is the field of the items' : otherFieldProblem(String(text))
    if (message) problems.push({ path: ['around', name], message })
  }
  if (idField !== undefined && idField === itemField)
    problems.push({ path: ['itemField'], message: 'is idField already' })
  return problems
}

function resultsProblems({ results, idField }: BatchConfig): PlacedProblem[] {
  if (!results) return []
  const { match, matchPath, itemPath, lists } = results
  const add = (name: string, message: string) => [{ path: ['results', name], message }]
  if (match === 'order') {
    if (lists === 'failed') return add('match', 'must be index or id where only failed items are listed')
    return matchPath === undefined ? [] : add('matchPath', 'is for "match": "index" or "id"')
  }
  if (matchPath === undefined) return add('matchPath', `is missing: where a result has the ${match}`)
  if (match === 'index') return itemPath === undefined ? [] : add('itemPath', 'is for "match": "id"')
  if (itemPath === undefined && idField === undefined)
    return add('itemPath', 'is missing: without it and without idField no item carries an id')
  return []
}

interface Batched {
  batch?: BatchConfig | undefined
  method: string
  format: string
  body?: object | undefined
  url: string
  headers: Record<string, string>
}

/** What no field of a request that carries batches shows by itself. */
export function batchProblems({ batch, method, format, body, url, headers }: Batched): PlacedProblem[] {
  if (!batch) return []
  const problems: PlacedProblem[] = []
  if (method === 'GET' || method === 'DELETE')
    problems.push({ path: ['batch'], message: `a ${method} request sends no body, and so no batch` })
  if (format !== 'json')
    problems.push({
      path: ['batch'],
      message: `a batch is JSON: the format ${JSON.stringify(format)} has no place for several items`,
    })
  if (body)
    problems.push({ path: ['batch'], message: 'a batch is not written from a template: leave body out' })
  const address = otherFieldProblem(url)
  if (address) problems.push({ path: ['url'], message: address })
  for (const [name, text] of Object.entries(headers)) {
    const message = otherFieldProblem(text)
    if (message) problems.push({ path: ['headers', name], message })
  }
  return problems
}

const SAMPLE = { batch: { id: 'an id', count: 1 } }

/** What is said once for many items cannot say what one of them holds. */
function otherFieldProblem(text: string): string | undefined {
  const compiled = compileTemplate(text)
  if (!compiled.ok) return undefined
  const other = fieldsOf(compiled.template).find((name) => name !== 'batch')
  if (other !== undefined)
    return `has the field ${JSON.stringify(other)} of one item, and a batch has several: only batch.id and batch.count can be filled in`
  const rendered = renderTemplate(compiled.template, SAMPLE, (field) => field)
  return rendered.ok ? undefined : rendered.message
}
