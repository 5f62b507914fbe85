import { z } from 'zod'
import { isObject, type Json } from '../../payload/exact-json.ts'
import { sameText } from '../compare.ts'
import { inBody, inEvent, type Reader } from '../identity.ts'
import type { Message } from '../message.ts'
import { definePreset, type HandshakeAnswer, type ProofTools } from '../preset.ts'
import { unproven, type Verdict } from '../verdict.ts'

/** The handshake tells them, and so which shop and which token events come from. */
const PINNED = ['environment_id', 'client_id'] as const

/** The handshake is the only message that is read before its proof, and has some 150 bytes. */
const HANDSHAKE_BYTES_MAX = 4_096

const proofSchema = z.strictObject({
  pin: z
    .enum(['required', 'ifPresent'])
    .default('required')
    .describe(
      'required: every event carries the environment_id and client_id of the handshake; ifPresent: an event without ' +
        'them is accepted, too, so that anyone whom the allowlist lets in can send one',
    ),
})

const inEither = (key: string): Reader[] => [inEvent(key), inBody(key)]

/** Source of all facts: Tilby, "Introduction" (developer.tilby.com). What an event looks like is not published. */
export const preset = definePreset({
  name: 'tilby',
  title: 'Tilby',
  setup:
    'Let this integration wait for its handshake, then create the webhook in the API of Tilby with a static token of the ' +
    'shop: the webhook address, the entity name, the event type, and an e-mail address that is told of failures.',
  proof: {
    schema: proofSchema,
    covers: { body: PINNED.map((name) => `[].${name}`), headers: [], url: false },
    signedBy: [],
    verify: ({ pin }, message, { pinned }) => verifyPinned(message.value(), pinned, pin === 'required'),
  },
  handshakes: [
    { kind: 'subscribed', method: 'POST', asked: 'before proof', pins: true, answer: answerSubscribed },
  ],
  identity: {
    topic: [topicOf, ...inEither('entity_name')],
    occurredAt: inEither('time'),
    sender: inEither('environment_id'),
  },
  // Where the entity's id stands is not known, so its bytes stand for it; the time tells equal ones apart.
  dedupe: { keys: [['sender', 'topic', 'occurredAt', 'bytes'], ['bytes']], windowSeconds: 86_400 },
  batch: elementsOf,
})

function answerSubscribed(message: Message): HandshakeAnswer | undefined {
  if (message.body.length > HANDSHAKE_BYTES_MAX) return undefined
  const body = message.value()
  if (!isObject(body) || body.type !== 'SUBSCRIBED') return undefined
  const { environment_id, client_id, entity_name } = body
  if (typeof environment_id !== 'string' || typeof client_id !== 'string') return undefined
  return {
    pin: { environment_id, client_id },
    ...(typeof entity_name === 'string' && { note: { entity_name } }),
  }
}

function verifyPinned(body: Json | undefined, pinned: ProofTools['pinned'], isRequired: boolean): Verdict {
  if (pinned === undefined) return unproven('not_pinned')
  if (body === undefined) return unproven('malformed', 'the body cannot be read')
  const elements = elementsOf(body) ?? []
  for (const name of PINNED) {
    const [shared, ...own] = [body, ...elements].map((value) => (isObject(value) ? value[name] : undefined))
    const carried = [shared, ...own].filter((value) => value !== undefined)
    if (carried.some((value) => !isText(value, pinned[name]))) return unproven('wrong_recipient', name)
    const isEverywhere = shared !== undefined || (own.length > 0 && own.every((value) => value !== undefined))
    if (isRequired && !isEverywhere) return unproven('header_missing', `${name} in the body`)
  }
  return { proven: true }
}

function isText(value: Json, expected: string | undefined): boolean {
  return typeof value === 'string' && expected !== undefined && sameText(value, expected)
}

/**
 * Imports of items and customers come many in a message, in a form that is not published: as an array, or as the one
 * array of an object. Sales and the rest never do, so that their lines are not taken for events.
 */
function elementsOf(body: Json): Json[] | undefined {
  if (Array.isArray(body)) return body
  if (!isObject(body)) return undefined
  const entity = body.entity_name
  if (entity !== undefined && entity !== 'items' && entity !== 'customers') return undefined
  const [list, ...others] = Object.values(body).filter((value) => Array.isArray(value))
  const isBatch = others.length === 0 && list !== undefined && list.length > 0 && list.every(isObject)
  return isBatch ? list : undefined
}

/** Both halves of what a webhook is made for: `sales.closed`. */
function topicOf(subject: Parameters<Reader>[0]): string | undefined {
  const [entity, type] = ['entity_name', 'type'].map((key) => inEvent(key)(subject) ?? inBody(key)(subject))
  return entity === undefined || type === undefined ? undefined : `${entity}.${type}`
}
