import { z } from 'zod'
import { inEvent } from '../identity.ts'
import { definePreset } from '../preset.ts'
import { verifyBodyHmac } from '../schemes/hmac.ts'
import { secretsSchema } from '../secrets.ts'
import { unproven } from '../verdict.ts'

const SIGNATURE = 'x-mollie-signature'
const PREFIX = 'sha256='

export const preset = definePreset({
  name: 'mollie-nextgen',
  title: 'Mollie (next-gen webhooks)',
  setup:
    'Create a webhook in the webhooks settings of the Dashboard (or by POST /v2/webhooks) with the webhook address; ' +
    'the secret is its signing secret.',
  proof: {
    schema: z.strictObject({ secrets: secretsSchema }),
    covers: { body: 'bytes', headers: [], url: false },
    signedBy: [SIGNATURE],
    verify({ secrets }, message) {
      const text = message.header(SIGNATURE)
      if (text === undefined) return unproven('header_missing', 'X-Mollie-Signature')
      const signatures = signaturesIn(text)
      if (signatures.length === 0)
        return unproven('wrong_algorithm', 'no value of X-Mollie-Signature is sha256=…')
      return verifyBodyHmac(message, secrets, signatures, { algorithm: 'sha256', encoding: 'hex' })
    },
  },
  identity: {
    topic: [inEvent('type')],
    eventId: [inEvent('id')],
    occurredAt: [inEvent('createdAt')],
  },
  dedupe: { keys: [['eventId']], windowSeconds: 7 * 86_400 },
  senderDomains: ['mollie.com'],
})

/**
 * The header comes twice for a day after the secret was renewed, once for each. The prefix may be missing: Mollie's
 * library takes both, and its sample in "Best practices" has none. Source: mollie/mollie-api-php,
 * src/Webhooks/SignatureValidator.php.
 */
function signaturesIn(text: string): string[] {
  return text
    .split(', ')
    .map((value) => (value.startsWith(PREFIX) ? value.slice(PREFIX.length) : value))
    .filter((value) => !/^[a-z0-9]+=./.test(value))
}
