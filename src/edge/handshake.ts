import type { Integration, Integrations } from '../integrations/integrations.ts'
import { within } from '../platform/time-limit.ts'
import {
  type Handshake,
  type HandshakeAnswer,
  type Message,
  presetOf,
  type Reply,
} from '../sources/sources.ts'
import { Refusal } from './refusal.ts'

/** What a source asked, and the answer to it. */
export interface Answered {
  kind: string
  reply: Reply | undefined
}

export interface Handshaking {
  integrations: Pick<Integrations, 'pinHandshake' | 'noteHandshake'>
  now(): Date
  /** Throws Refusal when this integration was asked too often. */
  limit(integrationId: string): void
}

/** Whether a request by this method may be a handshake: then its body is worth reading. */
export function asksByMethod(integration: Integration, method: string): boolean {
  return presetOf(integration.definition.source).handshakes.some((handshake) => handshake.method === method)
}

/** Whether a message asks to be judged, so that a wrong one must be told so. */
export function asksForProof(message: Message, integration: Integration): boolean {
  return presetOf(integration.definition.source).handshakes.some(
    (handshake) =>
      handshake.asked === 'after proof' &&
      handshake.method === message.method &&
      handshake.answer(message) !== undefined,
  )
}

/**
 * Answers a handshake or ping of the source, or gives nothing when the message is an event.
 *
 * @throws Refusal when there are too many, or when one would pin a sender that nobody waits for.
 */
export async function answerHandshake(
  message: Message,
  integration: Integration,
  asked: Handshake['asked'],
  handshaking: Handshaking,
): Promise<Answered | undefined> {
  for (const handshake of presetOf(integration.definition.source).handshakes) {
    if (handshake.asked !== asked || handshake.method !== message.method) continue
    const answer = handshake.answer(message)
    if (!answer) continue
    if (asked === 'before proof') handshaking.limit(integration.id)
    await remember(handshake.kind, answer, integration, handshaking)
    return { kind: handshake.kind, reply: answer.reply }
  }
  return undefined
}

const WRITE_WAIT_MS = 3_000

/**
 * A pin is durable before it is answered, and a note too: somebody waits for it. Where no proof is asked for, there is
 * nothing to pin.
 */
async function remember(
  kind: string,
  { pin, note }: HandshakeAnswer,
  integration: Integration,
  { integrations, now }: Handshaking,
): Promise<void> {
  if (pin !== undefined && integration.definition.proof !== null) {
    const pinning = { kind, pinned: pin, note: note ?? null }
    const outcome = await written(integrations.pinHandshake(integration.id, pinning, now()))
    if (outcome === 'refused') throw new Refusal('not_awaited')
  } else if (note !== undefined) {
    await written(integrations.noteHandshake(integration.id, { kind, note }, now()))
  }
}

/** The journal is for events: without the database the source is to ask again later. */
function written<T>(writing: Promise<T>): Promise<T> {
  return within(WRITE_WAIT_MS, writing).catch((error: Error) => {
    throw new Refusal('not_stored', '', error.message)
  })
}
