import { z } from 'zod'
import { isObject } from '../../payload/exact-json.ts'
import { inEvent, type Reader } from '../identity.ts'
import type { Message } from '../message.ts'
import { definePreset } from '../preset.ts'
import { verifyBodyHmac } from '../schemes/hmac.ts'
import { secretsSchema } from '../secrets.ts'
import { unproven } from '../verdict.ts'

const SIGNATURE = 'x-xero-signature'

/** Fields of an event: XeroAPI/Xero-OpenAPI, xero-webhooks.yaml. All else: Xero, "Configuring your server". */
export const preset = definePreset({
  name: 'xero',
  title: 'Xero',
  setup:
    'My Apps → your app → Webhooks: enter the webhook address as delivery URL; the secret is the webhooks key shown ' +
    'there. Then press "Send intent to receive".',
  proof: {
    schema: z.strictObject({ secrets: secretsSchema.describe('the webhooks key, as it is shown') }),
    covers: { body: 'bytes', headers: [], url: false },
    signedBy: [SIGNATURE],
    verify({ secrets }, message) {
      const signature = message.header(SIGNATURE)
      if (signature === undefined) return unproven('header_missing', SIGNATURE)
      return verifyBodyHmac(message, secrets, [signature], { algorithm: 'sha256', encoding: 'base64' })
    },
  },
  handshakes: [
    {
      kind: 'intent to receive',
      method: 'POST',
      // Xero sends several, some signed wrongly on purpose: those are to be refused like anything unproven.
      asked: 'after proof',
      answer: (message) => (isIntentToReceive(message) ? {} : undefined),
    },
  ],
  // An answer with a body does not count as received.
  replies: { accepted: { status: 200, body: '' }, refused: 'nothing' },
  identity: {
    topic: [topicOf],
    eventId: [inEvent('resourceId')],
    occurredAt: [inEvent('eventDateUtc')],
    sender: [inEvent('tenantId')],
  },
  // Nothing in an event is its own id.
  dedupe: { keys: [['sender', 'topic', 'eventId', inEvent('eventDateUtc')]], windowSeconds: 7 * 86_400 },
  batch: 'events',
  senderDomains: ['xero.com'],
})

function isIntentToReceive(message: Message): boolean {
  const body = message.value()
  if (!isObject(body) || !('events' in body)) return false
  return body.events === null || (Array.isArray(body.events) && body.events.length === 0)
}

/** `INVOICE.UPDATE`: the type alone says little. */
function topicOf(subject: Parameters<Reader>[0]): string | undefined {
  const [category, type] = ['eventCategory', 'eventType'].map((key) => inEvent(key)(subject))
  return category === undefined || type === undefined ? undefined : `${category}.${type}`
}
