import { z } from 'zod'
import { inEvent } from '../identity.ts'
import { definePreset } from '../preset.ts'
import { verifyBodyHmac } from '../schemes/hmac.ts'
import { secretSchema, secretsOf } from '../secrets.ts'
import { unproven } from '../verdict.ts'

const SIGNATURE = 'klarna-signature'
const KEY_ID = 'klarna-signing-key-id'

const secretsSchema = secretsOf(
  secretSchema.safeExtend({
    keyId: z
      .string()
      .min(1)
      .max(300)
      .optional()
      .describe(
        'the signing_key_id; the secret then counts for requests that name this key, and for no other',
      ),
  }),
)

/** Wire facts: docs.klarna.com, "Set up your webhooks" of the Klarna Network. */
export const preset = definePreset({
  name: 'klarna',
  title: 'Klarna',
  setup:
    'Create a signing key by the API and keep the key, which is shown once; then create a webhook with that key and the ' +
    'webhook address (port 443 or 8443), by the API or in the Webhooks app of the Partner Portal.',
  proof: {
    schema: z.strictObject({ secrets: secretsSchema }),
    covers: ({ secrets }) => ({
      body: 'bytes',
      headers: secrets.every(({ keyId }) => keyId !== undefined) ? [KEY_ID] : [],
      url: false,
    }),
    signedBy: [SIGNATURE],
    verify({ secrets }, message) {
      const signature = message.header(SIGNATURE)
      if (signature === undefined) return unproven('header_missing', 'Klarna-Signature')
      const named = message.header(KEY_ID)
      const fitting = secrets.filter(({ keyId }) => keyId === undefined || keyId === named)
      if (fitting.length === 0) {
        if (named === undefined) return unproven('header_missing', 'Klarna-Signing-Key-Id')
        return unproven('unknown_key', `Klarna-Signing-Key-Id: ${named.slice(0, 300)}`)
      }
      return verifyBodyHmac(message, fitting, [signature], { algorithm: 'sha256', encoding: 'hex' })
    },
  },
  identity: {
    topic: [inEvent('metadata.event_type')],
    eventId: [inEvent('metadata.event_id')],
    occurredAt: [inEvent('metadata.occurred_at')],
    sender: [inEvent('metadata.subject_account_id')],
  },
  dedupe: { keys: [['eventId']], windowSeconds: 7 * 86_400 },
  senderDomains: ['klarna.com'],
})
