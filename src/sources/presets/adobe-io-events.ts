import { z } from 'zod'
import { isObject, type Json } from '../../payload/exact-json.ts'
import { inEvent, inHeader, type Reader } from '../identity.ts'
import type { Message } from '../message.ts'
import { definePreset, type HandshakeAnswer, type ProofTools } from '../preset.ts'
import { readPublicKey, readSignature, verifyWithKey } from '../schemes/rsa.ts'
import { type ProofFault, unproven, type Verdict } from '../verdict.ts'

/** The signatures and the paths of their keys. */
const PAIRS = [
  ['x-adobe-digital-signature-1', 'x-adobe-public-key1-path'],
  ['x-adobe-digital-signature-2', 'x-adobe-public-key2-path'],
] as const

const KEY_PATH = /^\/(?:prod|stage)\/keys\/pub-key-[0-9a-f-]{1,64}\.pem$/

const proofSchema = z.strictObject({
  clientId: z
    .string()
    .min(1)
    .max(200)
    .describe('the client id of the project, to which events are addressed'),
  keyHost: z
    .enum(['static.adobeioevents.com', 'adobeioevents.com'])
    .default('static.adobeioevents.com')
    .describe("where Adobe's public keys are; adobeioevents.com is the older place"),
})

type Proof = z.infer<typeof proofSchema>

/** Source of all facts: AdobeDocs/adobe-io-events, src/pages/guides/index.md and src/pages/support/faq.md. */
export const preset = definePreset<Proof>({
  name: 'adobe-io-events',
  title: 'Adobe I/O Events (Adobe Commerce events)',
  setup:
    'Adobe Developer Console → your project → Add events: choose Webhook, enter the webhook address, delivery single ' +
    'or batch. The client id is that of the OAuth credential of the project.',
  proof: {
    schema: proofSchema,
    covers: { body: 'bytes', headers: [], url: false },
    signedBy: PAIRS.map(([signature]) => signature),
    async verify({ clientId, keyHost }, message, { fetchText }) {
      if (PAIRS.every(([name]) => message.header(name) === undefined))
        return unproven('header_missing', PAIRS[0][0])
      // Before a key is fetched: that much may be asked of a stranger who makes us fetch something.
      const misled = recipientFault(message.value(), clientId)
      if (misled) return misled
      const faults: Verdict[] = []
      for (const [signature, path] of PAIRS) {
        const check = { signature: message.header(signature), path: message.header(path), keyHost }
        const verdict = await verifyOne(check, message.body, fetchText)
        if (verdict.proven) return verdict
        faults.push(verdict)
      }
      return mostTelling(faults)
    },
  },
  handshakes: [
    { kind: 'challenge', method: 'GET', asked: 'before proof', answer: answerChallenge },
    {
      kind: 'validation',
      method: 'POST',
      asked: 'before proof',
      confirmedAt: { field: 'validationUrl', host: 'csm.adobe.io' },
      answer: noteValidationUrl,
    },
  ],
  // Anything but 429 and 5xx, apart from 505, makes Adobe drop the events.
  replies: { retryStatus: 503 },
  identity: {
    topic: [inEvent('event.type'), inEvent('type'), single(inHeader('x-adobe-event-code'))],
    deliveryId: [inHeader('x-adobe-delivery-id')],
    // The header says the same, but only the body is signed.
    eventId: [inEvent('eventid'), inEvent('event_id'), single(inHeader('x-adobe-event-id'))],
    occurredAt: [inEvent('event.time'), inEvent('time')],
    sender: [inEvent('event.source'), inEvent('source')],
  },
  dedupe: { keys: [['eventId']], windowSeconds: 7 * 86_400 },
  batch: '',
  senderDomains: ['adobe.io', 'adobe.com'],
})

/** Headers tell of one event, and would make all of a batch the same. */
function single(reader: Reader): Reader {
  return (subject) => (Array.isArray(subject.message.value()) ? undefined : reader(subject))
}

/** The new name and the old one of the same; either may be missing, none may be another's. */
const RECIPIENTS = ['recipientclientid', 'recipient_client_id']

function recipientFault(body: Json | undefined, clientId: string): Verdict | undefined {
  const events = Array.isArray(body) ? body : [body]
  if (body === undefined || events.length === 0) return unproven('malformed', 'no event in the body')
  for (const event of events) {
    const named = RECIPIENTS.map((name) => (isObject(event) ? event[name] : undefined))
    const given = named.filter((id) => id !== undefined)
    if (given.length === 0) return unproven('wrong_recipient', `no ${RECIPIENTS[0]} in the event`)
    if (given.some((id) => id !== clientId)) return unproven('wrong_recipient')
  }
  return undefined
}

interface Check {
  readonly signature: string | undefined
  readonly path: string | undefined
  readonly keyHost: string
}

async function verifyOne(
  { signature, path, keyHost }: Check,
  body: Buffer,
  fetchText: ProofTools['fetchText'],
): Promise<Verdict> {
  if (signature === undefined || path === undefined)
    return unproven('header_missing', 'a signature or the path of its key')
  const bytes = readSignature(signature)
  if (!bytes) return unproven('malformed', 'the signature is no base64')
  // The sender chooses the path, and it must lead to a key of Adobe and nowhere else.
  if (!KEY_PATH.test(path)) return unproven('unknown_key', 'the path of the key is none of Adobe')
  const url = `https://${keyHost}${path}`
  const key = readPublicKey((await fetchText(url)) ?? '')
  return key ? verifyWithKey(key, bytes, body, (form) => form) : unproven('key_unavailable', url)
}

/** What could still prove the message comes first, then what says most of why it did not. */
const TELLING: readonly ProofFault[] = [
  'key_unavailable',
  'body_changed',
  'wrong_secret',
  'unknown_key',
  'malformed',
]

function mostTelling(faults: readonly Verdict[]): Verdict {
  const found = TELLING.map((fault) => faults.find((verdict) => !verdict.proven && verdict.fault === fault))
  return found.find((verdict) => verdict !== undefined) ?? faults[0] ?? unproven('header_missing')
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

function answerChallenge({ query }: Message): HandshakeAnswer | undefined {
  const [challenge, ...others] = query.getAll('challenge')
  if (challenge === undefined || others.length > 0 || !UUID.test(challenge)) return undefined
  return { reply: { status: 200, contentType: 'application/json', body: JSON.stringify({ challenge }) } }
}

const VALIDATION_BYTES_MAX = 2_000

/** Sent when the challenge was not answered. Whoever opens the address within five minutes confirms the webhook. */
function noteValidationUrl(message: Message): HandshakeAnswer | undefined {
  if (message.body.length > VALIDATION_BYTES_MAX) return undefined
  const body = message.value()
  if (!isObject(body) || Object.keys(body).length !== 1 || typeof body.validationUrl !== 'string')
    return undefined
  const url = URL.parse(body.validationUrl)
  if (url?.origin !== 'https://csm.adobe.io' || url.username !== '' || url.password !== '') return undefined
  return { note: { validationUrl: url.href } }
}
