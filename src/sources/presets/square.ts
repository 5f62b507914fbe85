import { z } from 'zod'
import { inEvent } from '../identity.ts'
import { definePreset } from '../preset.ts'
import { verifyHmac } from '../schemes/hmac.ts'
import { secretsSchema } from '../secrets.ts'
import { unproven } from '../verdict.ts'

const SIGNATURE = 'x-square-hmacsha256-signature'

export const preset = definePreset({
  name: 'square',
  title: 'Square',
  setup:
    'Developer Console → the application → Webhooks → Subscriptions → Add subscription: the webhook address as notification ' +
    'URL. The secret is the signature key in its endpoint details. Where the URL is not the webhook address letter ' +
    'for letter, it goes into publicUrl, for it is signed.',
  proof: {
    schema: z.strictObject({ secrets: secretsSchema }),
    covers: { body: 'bytes', headers: [], url: true },
    signedBy: [SIGNATURE],
    /** Source: square/square-nodejs-sdk, src/wrapper/WebhooksHelper.ts. */
    verify({ secrets }, message) {
      const signature = message.header(SIGNATURE)
      if (signature === undefined) return unproven('header_missing', SIGNATURE)
      const verdict = verifyHmac({
        secrets,
        signatures: [signature],
        body: message.body,
        signed: (body) => [message.url, body],
        at: message.receivedAt,
        form: { algorithm: 'sha256', encoding: 'base64' },
      })
      if (verdict.proven || verdict.fault !== 'wrong_secret') return verdict
      return unproven('wrong_secret', 'or for another notification URL than this address, see "publicUrl"')
    },
  },
  identity: {
    topic: [inEvent('type')],
    eventId: [inEvent('event_id')],
    occurredAt: [inEvent('created_at')],
    sender: [inEvent('merchant_id')],
  },
  // Source: developer.squareup.com/docs/webhooks/overview.
  dedupe: { keys: [['eventId']], windowSeconds: 7 * 86_400 },
  senderDomains: ['squareup.com'],
})
