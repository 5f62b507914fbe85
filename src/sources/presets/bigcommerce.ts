import { z } from 'zod'
import { inEvent, inHeader } from '../identity.ts'
import { definePreset } from '../preset.ts'
import { verifyStandard } from '../schemes/standard-webhooks.ts'
import { keyOfText } from '../schemes/standard-webhooks-keys.ts'
import { toleranceSecondsSchema } from '../schemes/timestamp.ts'
import { secretsSchema } from '../secrets.ts'

/** Wire facts: bigcommerce/docs, docs/integrations/webhooks/overview.mdx and https-webhook-overview.mdx. */
export const preset = definePreset({
  name: 'bigcommerce',
  title: 'BigCommerce',
  setup:
    'Create the webhook by the API: POST /stores/<store hash>/v3/hooks with the webhook address as destination (port 443). ' +
    'The secret is the client secret of the API account or app that created it, as it is, without encoding it.',
  proof: {
    schema: z.strictObject({ secrets: secretsSchema, toleranceSeconds: toleranceSecondsSchema }),
    covers: { body: 'bytes', headers: ['webhook-id', 'webhook-timestamp'], url: false },
    signedBy: ['webhook-signature'],
    // Its samples encode the secret in base64 only because the library decodes it.
    verify: ({ secrets, toleranceSeconds }, message) =>
      verifyStandard({ message, prefix: 'webhook-', secrets, keyOf: keyOfText, toleranceSeconds }),
  },
  // A body in the answer may keep it from being counted as received.
  replies: { accepted: { status: 200, body: '' }, refused: 'nothing' },
  identity: {
    topic: [inEvent('scope')],
    deliveryId: [inHeader('webhook-id')],
    eventId: [inEvent('hash')],
    occurredAt: [inEvent('created_at')],
    sender: [inEvent('producer'), inEvent('store_id')],
  },
  // An event that fires twice has one hash. Nothing says that two changes of one thing have two, so time is part of it.
  dedupe: {
    keys: [['sender', 'topic', 'eventId', 'occurredAt'], ['deliveryId']],
    windowSeconds: 7 * 86_400,
  },
  senderDomains: ['bigcommerce.com', 'mybigcommerce.com'],
})
