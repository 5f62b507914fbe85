import { z } from 'zod'
import { inHeader } from '../identity.ts'
import type { Message } from '../message.ts'
import { definePreset } from '../preset.ts'
import { verifyBodyHmac } from '../schemes/hmac.ts'
import { secretsSchema } from '../secrets.ts'
import { unproven } from '../verdict.ts'

const SIGNATURE = 'x-wc-webhook-signature'

/**
 * Sent when a webhook is activated, unsigned and without any header of WooCommerce's own; unless it is answered
 * exactly 200, the webhook stays pending. Source: woocommerce/woocommerce, class-wc-webhook.php, deliver_ping().
 */
function isPing(message: Message): boolean {
  const type = message.header('content-type') ?? ''
  return (
    /^application\/x-www-form-urlencoded(?:\s*;|\s*$)/i.test(type) &&
    message.body.length <= 32 &&
    /^webhook_id=\d+$/.test(message.body.toString('latin1')) &&
    message.header(SIGNATURE) === undefined &&
    message.header('x-wc-webhook-topic') === undefined
  )
}

export const preset = definePreset({
  name: 'woocommerce',
  title: 'WooCommerce',
  setup:
    'WooCommerce → Settings → Advanced → Webhooks → Add webhook: status Active, the webhook address as delivery URL, a ' +
    'secret of your own, API version WP REST API v3.',
  proof: {
    schema: z.strictObject({
      secrets: secretsSchema.describe('as typed in WooCommerce, never empty'),
      algorithm: z
        .enum(['sha256', 'sha512'])
        .default('sha256')
        .describe('sha256 unless the filter woocommerce_webhook_hash_algorithm changes it'),
    }),
    covers: { body: 'bytes', headers: [], url: false },
    signedBy: [SIGNATURE],
    verify({ secrets, algorithm }, message) {
      const signature = message.header(SIGNATURE)
      if (signature === undefined) return unproven('header_missing', 'X-WC-Webhook-Signature')
      return verifyBodyHmac(message, secrets, [signature], { algorithm, encoding: 'base64' })
    },
  },
  handshakes: [
    {
      kind: 'ping',
      method: 'POST',
      asked: 'before proof',
      answer: (message) => (isPing(message) ? {} : undefined),
    },
  ],
  identity: {
    topic: [inHeader('x-wc-webhook-topic')],
    deliveryId: [inHeader('x-wc-webhook-delivery-id')],
    sender: [inHeader('x-wc-webhook-source')],
  },
  // The delivery id is a hash of webhook id and second, so two orders in one second carry the same.
  dedupe: {
    keys: [[inHeader('x-wc-webhook-id'), 'deliveryId', 'bytes']],
    windowSeconds: 7 * 86_400,
  },
})
