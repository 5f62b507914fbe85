import { createHash } from 'node:crypto'
import type { Dedupe, Integration } from '../integrations/integrations.ts'
import type { EventEntry } from '../ledger/ledger.ts'
import { type Json, stringifyExact } from '../payload/exact-json.ts'
import { parsePath, resolvePath, valueAt } from '../payload/path.ts'
import { newId } from '../platform/ids.ts'
import { Refusal } from './refusal.ts'

/** A body in its normal form, as `payload/` gives it. */
export interface Normalised {
  /** Exact JSON text. */
  payload: string
  /** The text is the body as it stands, so the ledger need not keep it twice. */
  isBody: boolean
  value(): Json
}

const EVENTS_MAX = 1_000

/**
 * The events of a body: one, or one for each element where the integration splits it. Ids are fixed here, before
 * the first try to store.
 *
 * @throws Refusal when the body has more elements than a request may bring.
 */
export function eventsOf(
  body: Normalised,
  raw: Buffer,
  integration: Integration,
  header: (name: string) => string | undefined,
): EventEntry[] {
  const { split, dedupe } = integration.definition
  const elements = split === null ? undefined : elementsAt(body, split)
  if (elements === undefined) {
    const key = dedupe && dedupeKey(dedupe, raw, body, header, null)
    return [entry(0, body.isBody ? null : body.payload, key, dedupe, integration)]
  }
  if (elements.length > EVENTS_MAX)
    throw new Refusal('too_complex', `${elements.length} elements, at most ${EVENTS_MAX}`)
  return elements.map((element, position) => {
    const part = { payload: stringifyExact(element), isBody: false, value: () => element }
    const key = dedupe && dedupeKey(dedupe, Buffer.from(part.payload), part, header, position)
    return entry(position, part.payload, key, dedupe, integration)
  })
}

/** What is no array there is one event, so that a source may send one object or many. */
function elementsAt(body: Normalised, split: string): Json[] | undefined {
  const found = valueAt(body.value(), parsePath(split))
  return Array.isArray(found) && found.length > 0 ? found : undefined
}

/** The key of an event, or null when the parts it is made of are absent: then nothing is a duplicate. */
function dedupeKey(
  dedupe: Dedupe,
  bytes: Buffer,
  body: Normalised,
  header: (name: string) => string | undefined,
  position: number | null,
): string | null {
  if (dedupe.by === 'body') return hash(bytes)
  if (dedupe.by === 'fields') return fieldsKey(dedupe.fields, body.value())
  const value = header(dedupe.header)
  // An empty header names no event, and must not make all that carry it duplicates of the first.
  return value === undefined || value.trim() === ''
    ? null
    : hash(position === null ? value : `${value}\n${position}`)
}

function fieldsKey(fields: string[], value: Json): string | null {
  const found = fields.map((field) => resolvePath(value, parsePath(field)))
  const isNothing = (value: Json) => value === null || value === ''
  return found.every((values) => values.every(isNothing)) ? null : hash(stringifyExact(found))
}

function hash(value: string | Buffer): string {
  return createHash('sha256').update(value).digest('hex')
}

function entry(
  position: number,
  payload: string | null,
  key: string | null,
  dedupe: Dedupe | null,
  integration: Integration,
): EventEntry {
  return {
    id: newId(),
    position,
    payload,
    dedupe: key === null || dedupe === null ? null : { key, windowSeconds: dedupe.windowSeconds },
    runId: newId(),
    definitionVersion: integration.version,
  }
}
