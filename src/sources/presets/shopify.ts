import { z } from 'zod'
import { inHeader } from '../identity.ts'
import { definePreset } from '../preset.ts'
import { verifyBodyHmac } from '../schemes/hmac.ts'
import { secretsSchema } from '../secrets.ts'
import { unproven } from '../verdict.ts'

/**
 * Deliveries of the newer "events" family carry both kinds of headers, classic ones only the `x-` kind; so the newer
 * is looked for first. Source: Shopify/shopify-app-js, packages/apps/shopify-api/lib/webhooks/validate.ts.
 */
const SIGNATURES = ['shopify-hmac-sha256', 'x-shopify-hmac-sha256']

const either = (name: string) => [inHeader(`shopify-${name}`), inHeader(`x-shopify-${name}`)]

export const preset = definePreset({
  name: 'shopify',
  title: 'Shopify',
  setup:
    'Settings → Notifications → Webhooks → Create webhook: format JSON, the webhook address as URL; the secret is the key ' +
    'shown below the list. Webhooks of an app are signed with the client secret of the app instead.',
  proof: {
    schema: z.strictObject({
      secrets: secretsSchema,
      signedWith: z
        .enum(['app', 'admin'])
        .default('app')
        .describe('app: the client secret of an app; admin: the key shown on Settings > Notifications'),
    }),
    covers: { body: 'bytes', headers: [], url: false },
    signedBy: SIGNATURES,
    verify({ secrets, signedWith }, message) {
      const signature = SIGNATURES.map((name) => message.header(name)).find((value) => value !== undefined)
      if (signature === undefined) return unproven('header_missing', 'X-Shopify-Hmac-Sha256')
      const verdict = verifyBodyHmac(message, secrets, [signature], {
        algorithm: 'sha256',
        encoding: 'base64',
      })
      if (verdict.proven || verdict.fault !== 'wrong_secret') return verdict
      return unproven('wrong_secret', `the secret is said to be that of the ${signedWith}, see "signedWith"`)
    },
  },
  identity: {
    topic: either('topic'),
    deliveryId: either('webhook-id'),
    eventId: either('event-id'),
    occurredAt: either('triggered-at'),
    sender: either('shop-domain'),
  },
  // Deliveries of different topics may share one event id.
  dedupe: {
    keys: [
      ['sender', 'topic', 'eventId'],
      ['sender', 'topic', 'deliveryId'],
    ],
    windowSeconds: 7 * 86_400,
  },
  senderDomains: ['shopify.com', 'myshopify.com'],
})
