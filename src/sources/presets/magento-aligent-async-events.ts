import { z } from 'zod'
import { definePreset } from '../preset.ts'
import { verifyBodyHmac } from '../schemes/hmac.ts'
import { secretsSchema } from '../secrets.ts'
import { unproven } from '../verdict.ts'

const SIGNATURE = 'x-magento-signature'

export const preset = definePreset({
  name: 'magento-aligent-async-events',
  title: 'Magento with aligent/magento-async-events',
  setup:
    "Subscribe through Magento's REST API: POST /rest/V1/async_event with the event_name, recipient_url (the webhook " +
    'address), a verification_token of your own, which is the secret, and http as metadata.',
  proof: {
    schema: z.strictObject({ secrets: secretsSchema.describe('the verification_token of the subscription') }),
    covers: { body: 'bytes', headers: [], url: false },
    signedBy: [SIGNATURE],
    // Source: aligent/magento-async-events, Service/AsyncEvent/HttpNotifier.php.
    verify({ secrets }, message) {
      const signature = message.header(SIGNATURE)
      if (signature === undefined) return unproven('header_missing', SIGNATURE)
      return verifyBodyHmac(message, secrets, [signature], { algorithm: 'sha256', encoding: 'hex' })
    },
  },
  // Nothing names an event, so only the same bytes are the same. Attempts follow each other within minutes (README,
  // Retries); later, the same bytes are a replay that somebody asked for, or a value that has come back.
  dedupe: { keys: [['bytes']], windowSeconds: 3_600 },
})
