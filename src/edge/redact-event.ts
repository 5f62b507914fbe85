import { keptPayload, type Redact } from '../integrations/integrations.ts'
import type { EventEntry } from '../ledger/ledger.ts'
import type { Json } from '../payload/exact-json.ts'
import { joinTexts } from '../payload/redact-fields.ts'
import { type Redaction, redactionOf } from '../payload/redaction.ts'
import type { Identity, Message } from '../sources/sources.ts'

/** A digest that nobody can guess the text of, not even by trying all there are. */
export type KeyedDigest = (text: string) => string

/**
 * What is written down of an event where its integration redacts: without what it drops, and beside it what is shown
 * in its place. What tells the event from others was read before; where it holds something that is hidden it is not
 * kept, and a dedupe key is one from which nothing can be guessed.
 */
export function redactEvent(
  event: EventEntry,
  { message, value }: { message: Message; value(): Json },
  redact: Redact | null,
  keyed: KeyedDigest,
): EventEntry {
  if (redact === null) return event
  const { payload, shown, hidden } = keptPayload(redact, event.payload, value)
  const redaction = redactionOf(joinTexts(namedIn(message, redact), hidden))
  return {
    ...event,
    payload,
    shown,
    identity: withoutHidden(event.identity, redaction),
    dedupe: event.dedupe && { ...event.dedupe, key: keyed(event.dedupe.key) },
  }
}

/** The values of headers and parameters that are never written down. */
function namedIn({ header, query }: Message, { headers, parameters }: Redact): string[] {
  const named = [...query].filter(([name]) => parameters.includes(name.toLowerCase()))
  const given = [...headers.map((name) => header(name)), ...named.map(([, value]) => value)]
  return given.flatMap((text) => text?.trim() || [])
}

function withoutHidden(identity: Identity, hidden: Redaction): Identity {
  const kept = (text: string | null) => (text !== null && hidden.text(text) === text ? text : null)
  const { topic, deliveryId, eventId, occurredAt, sender } = identity
  return {
    topic: kept(topic),
    deliveryId: kept(deliveryId),
    eventId: kept(eventId),
    occurredAt: kept(occurredAt),
    sender: kept(sender),
  }
}
