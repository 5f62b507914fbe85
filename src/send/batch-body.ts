import type { GivenBody } from '../http-request/http-request.ts'
import type { ConfigOf, DestinationConfig } from '../integrations/integrations.ts'
import type { BatchRule } from '../ledger/ledger.ts'
import { isObject, type Json, type JsonObject, setKey, stringifyExact } from '../payload/exact-json.ts'
import { compileTemplate, renderTemplate } from '../payload/template.ts'

export type BatchConfig = NonNullable<ConfigOf<'http'>['batch']>

/** One delivery of a batch. */
export interface BatchItem {
  deliveryId: string
  item: Json
}

/** Under this key stands an item that is no object, where the id of its delivery has to be put beside it. */
const BARE_FIELD = 'item'

/** Writes several items as one body. */
export function writeBatch(batchId: string, items: readonly BatchItem[], batch: BatchConfig): GivenBody {
  const written = items.map((one) => itemOf(one, batch))
  switch (batch.as) {
    case 'array':
      return { body: stringifyExact(written), contentType: 'application/json' }
    case 'ndjson':
      return {
        body: written.map((item) => `${stringifyExact(item)}\n`).join(''),
        contentType: 'application/x-ndjson',
      }
    case 'object':
      return { body: stringifyExact(objectOf(batchId, written, batch)), contentType: 'application/json' }
  }
}

/** What the ledger must know to put deliveries together; undefined for a destination that takes them one by one. */
export function batchRuleOf(config: DestinationConfig | undefined): BatchRule | undefined {
  const batch = config?.kind === 'http' ? config.batch : undefined
  if (!batch) return undefined
  const { itemsMax, bytesMax, waitMs, results } = batch
  const bytesOf = (items: BatchItem[]) => Buffer.byteLength(writeBatch(SAMPLE_ID, items, batch).body)
  const wrapBytes = bytesOf([])
  // The braces of the sample make room for a comma.
  const itemBytes = bytesOf([{ deliveryId: SAMPLE_ID, item: {} }]) - wrapBytes
  return { itemsMax, bytesMax, waitMs, wrapBytes, itemBytes, onePerKey: results !== undefined }
}

const SAMPLE_ID = '00000000-0000-0000-0000-000000000000'

function itemOf({ deliveryId, item }: BatchItem, { idField, itemField }: BatchConfig): Json {
  if (idField === undefined && itemField === undefined) return item
  const own: JsonObject = {}
  if (idField !== undefined) setKey(own, idField, deliveryId)
  if (itemField !== undefined || !isObject(item)) {
    setKey(own, itemField ?? BARE_FIELD, item)
    return own
  }
  for (const [key, value] of Object.entries(item)) if (key !== idField) setKey(own, key, value)
  return own
}

function objectOf(batchId: string, items: Json[], { field, around = {} }: BatchConfig): Json {
  const scope = { batch: { id: batchId, count: items.length } }
  const object: JsonObject = {}
  for (const [key, value] of Object.entries(around))
    setKey(object, key, typeof value === 'string' ? filledIn(value, scope) : value)
  setKey(object, field, items)
  return object
}

/** The config's schema fills each of them in once, so one that cannot be filled in here is a defect. */
function filledIn(text: string, scope: Json): string {
  const compiled = compileTemplate(text)
  const rendered = compiled.ok ? renderTemplate(compiled.template, scope, (field) => field) : compiled
  if (!rendered.ok) throw new Error(`a stored config has a template that cannot be read: ${rendered.message}`)
  return rendered.text
}
