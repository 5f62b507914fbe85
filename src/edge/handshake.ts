import type { Integration, Integrations } from '../integrations/integrations.ts'
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

/** A pin is durable before it is answered. Where no proof is asked for, there is nothing to pin. */
async function remember(
  kind: string,
  { pin, note }: HandshakeAnswer,
  integration: Integration,
  { integrations, now }: Handshaking,
): Promise<void> {
  if (pin !== undefined && integration.definition.proof !== null) {
    const outcome = await integrations.pinHandshake(
      integration.id,
      { kind, pinned: pin, note: note ?? null },
      now(),
    )
    if (outcome === 'refused') throw new Refusal('not_awaited')
  } else if (note !== undefined) {
    await integrations.noteHandshake(integration.id, { kind, note }, now())
  }
}
