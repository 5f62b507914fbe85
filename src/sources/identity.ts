import { hash } from 'node:crypto'
import { type Json, NumberText } from '../payload/exact-json.ts'
import { parsePath, valueAt } from '../payload/path.ts'
import type { Message } from './message.ts'
import type { DedupeRule, IdentityReaders } from './preset.ts'

/** How a source names an event: shown in the ledger, searchable, known to conditions and functions. */
export interface Identity {
  /** Topic or event type, such as `orders/create`. */
  readonly topic: string | null
  readonly deliveryId: string | null
  readonly eventId: string | null
  /** ISO 8601 in UTC. */
  readonly occurredAt: string | null
  /** Shop, domain or account that it comes from. */
  readonly sender: string | null
}

/** An event of a message: all of its body, or one element. */
export interface Subject {
  readonly message: Message
  /** The bytes that tell one event from another: the body's, or the element's JSON text. */
  readonly bytes: Buffer
  value(): Json | undefined
}

export type Reader = (subject: Subject) => string | undefined

/** Reads a header; its name in lower case. */
export function inHeader(name: string): Reader {
  return ({ message }) => message.header(name)
}

/** Reads a text, number or boolean at a path of the event: of the element, where a body has many. */
export function inEvent(path: string): Reader {
  const steps = parsePath(path)
  return (subject) => {
    const value = subject.value()
    return value === undefined ? undefined : textOf(valueAt(value, steps))
  }
}

/** Reads at a path of the whole body, however many events it has. */
export function inBody(path: string): Reader {
  const steps = parsePath(path)
  return ({ message }) => {
    const value = message.value()
    return value === undefined ? undefined : textOf(valueAt(value, steps))
  }
}

const TEXT_CHARS_MAX = 300

export function identityOf(readers: IdentityReaders, subject: Subject): Identity {
  return {
    topic: read(readers.topic, subject),
    deliveryId: read(readers.deliveryId, subject),
    eventId: read(readers.eventId, subject),
    occurredAt: momentOf(read(readers.occurredAt, subject)),
    sender: read(readers.sender, subject),
  }
}

/** A part of a dedupe key: of the identity, the bytes of the event, or what a reader finds. */
export type Part = keyof Identity | 'bytes' | Reader

/** The key under which an event is the same as another, or null when nothing tells. */
export function dedupeKeyOf(rule: DedupeRule, identity: Identity, subject: Subject): string | null {
  for (const parts of rule.keys) {
    const found = parts.map((part) => partOf(part, identity, subject))
    if (found.every((value) => value !== null)) return sha256(JSON.stringify(found))
  }
  return null
}

function partOf(part: Part, identity: Identity, subject: Subject): string | null {
  if (part === 'bytes') return sha256(subject.bytes)
  return typeof part === 'function' ? read([part], subject) : identity[part]
}

function read(readers: readonly Reader[] | undefined, subject: Subject): string | null {
  for (const reader of readers ?? []) {
    const found = reader(subject)?.trim()
    // An empty value names nothing, and must not make all that carry it the same.
    if (found) return found.slice(0, TEXT_CHARS_MAX)
  }
  return null
}

function textOf(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value
  if (value instanceof NumberText) return value.text
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

/** What lies before is no time of an event. */
const EARLIEST_MS = Date.UTC(1970, 0, 1)
const SECONDS = /^[0-9]{9,10}$/
const MILLISECONDS = /^[0-9]{12,13}$/

/** Unix seconds or milliseconds, or ISO 8601; a time without zone is read as UTC. */
function momentOf(text: string | null): string | null {
  if (text === null) return null
  const at = SECONDS.test(text) ? Number(text) * 1000 : MILLISECONDS.test(text) ? Number(text) : isoMs(text)
  const moment = new Date(at)
  return at >= EARLIEST_MS ? moment.toISOString() : null
}

function isoMs(text: string): number {
  const iso =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(text)
  if (!iso) return Number.NaN
  const [, day, time = '00:00', zone = 'Z'] = iso
  return Date.parse(`${day}T${time}${zone}`)
}

function sha256(value: string | Buffer): string {
  return hash('sha256', value)
}
