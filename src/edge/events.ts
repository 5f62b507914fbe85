import { hash } from 'node:crypto'
import { type Dedupe, eraseAtOf, type Integration } from '../integrations/integrations.ts'
import type { EventEntry } from '../ledger/ledger.ts'
import { type Json, stringifyExact } from '../payload/exact-json.ts'
import { type Path, parsePath, resolvePath, valueAt } from '../payload/path.ts'
import { newId } from '../platform/ids.ts'
import {
  batchOf,
  dedupeKeyOf,
  type Identity,
  identityOf,
  type Message,
  presetOf,
  type Subject,
} from '../sources/sources.ts'
import { type KeyedDigest, redactEvent } from './redact-event.ts'
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
 * The events of a message: one, or one for each element where its source or its integration splits it. Ids are fixed
 * here, before the first try to store. What is held claims no dedupe key, or a forged event would keep the true one
 * out.
 *
 * @throws Refusal when the body has more elements than a request may bring.
 */
export function eventsOf(
  body: Normalised,
  message: Message,
  integration: Integration,
  held: boolean,
  keyed: KeyedDigest,
): EventEntry[] {
  const made = (part: Part) => {
    const { redact } = integration.definition
    const value = () => part.subject.value() ?? null
    return redactEvent(entry(part, integration, held), { message, value }, redact, keyed)
  }
  const elements = elementsOf(body, integration)
  if (elements === undefined) {
    const subject = { message, bytes: message.body, value: () => body.value() }
    return [made({ subject, position: 0, payload: body.isBody ? null : body.payload, alone: true })]
  }
  if (elements.length > EVENTS_MAX)
    throw new Refusal('too_complex', `${elements.length} elements, at most ${EVENTS_MAX}`)
  return elements.map((element, position) => {
    const payload = stringifyExact(element)
    const subject = { message, bytes: Buffer.from(payload), value: () => element }
    return made({ subject, position, payload, alone: false })
  })
}

/** What is no array there is one event, so that a source may send one object or many. */
function elementsOf(body: Normalised, { definition }: Integration): Json[] | undefined {
  const { split, source } = definition
  if (split === false) return undefined
  const found = split === null ? ownBatch(source, body) : splitAt(body.value(), parsePath(split))
  return Array.isArray(found) && found.length > 0 ? found : undefined
}

/** With `[]`, the elements of all lists that the path reaches; there a single value is a list of one, as in mappings. */
function splitAt(value: Json, path: Path): Json | undefined {
  if (!path.includes('each')) return valueAt(value, path)
  return resolvePath(value, path.at(-1) === 'each' ? path : [...path, 'each'])
}

function ownBatch(source: string, body: Normalised): Json[] | undefined {
  const preset = presetOf(source)
  return preset.batch === undefined ? undefined : batchOf(preset, body.value())
}

interface Part {
  subject: Subject
  position: number
  payload: string | null
  /** The only event of its request. */
  alone: boolean
}

function entry(part: Part, integration: Integration, held: boolean): EventEntry {
  const preset = presetOf(integration.definition.source)
  const identity = identityOf(preset.identity, part.subject)
  return {
    id: newId(),
    position: part.position,
    isElement: !part.alone,
    payload: part.payload,
    identity,
    dedupe: held ? null : dedupeOf(part, identity, integration),
    quarantined: held,
    runId: newId(),
    definitionVersion: integration.version,
    eraseAt: eraseAtOf(part.subject.message.receivedAt, integration.definition),
  }
}

function dedupeOf(part: Part, identity: Identity, { definition }: Integration): EventEntry['dedupe'] {
  const { dedupe, source } = definition
  if (dedupe === false) return null
  const rule = dedupe ?? presetOf(source).dedupe
  if (rule === null) return null
  const key = 'by' in rule ? chosenKey(rule, part) : dedupeKeyOf(rule, identity, part.subject)
  return key === null ? null : { key, windowSeconds: rule.windowSeconds }
}

/** The key of an event, or null when the parts it is made of are absent: then nothing is a duplicate. */
function chosenKey(dedupe: Dedupe, { subject, position, alone }: Part): string | null {
  if (dedupe.by === 'body') return sha256(subject.bytes)
  if (dedupe.by === 'fields') return fieldsKey(dedupe.fields, subject.value())
  const value = subject.message.header(dedupe.header)
  // An empty header names no event, and must not make all that carry it duplicates of the first.
  if (value === undefined || value.trim() === '') return null
  return sha256(alone ? value : `${value}\n${position}`)
}

function fieldsKey(fields: string[], value: Json | undefined): string | null {
  if (value === undefined) return null
  const found = fields.map((field) => resolvePath(value, parsePath(field)))
  const isNothing = (value: Json) => value === null || value === ''
  return found.every((values) => values.every(isNothing)) ? null : sha256(stringifyExact(found))
}

function sha256(value: string | Buffer): string {
  return hash('sha256', value)
}
