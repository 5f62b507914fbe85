import { z } from 'zod'
import { definePreset } from '../preset.ts'
import { usersSchema, verifyBasic } from '../schemes/basic.ts'
import { headerNameSchema, verifyHeaderToken } from '../schemes/token.ts'
import { secretsSchema } from '../secrets.ts'

const proofSchema = z.discriminatedUnion('scheme', [
  z.strictObject({
    scheme: z.literal('header').describe('A header of your own carries the secret as it is'),
    header: headerNameSchema.describe('as added to the hook under Header'),
    secrets: secretsSchema,
  }),
  z.strictObject({ scheme: z.literal('basic').describe('Authentication: Basic'), users: usersSchema }),
])

/** Source of all facts: mageplaza/magento-2-webhook, Helper/Data.php, sendHttpRequest(). */
export const preset = definePreset({
  name: 'magento-mageplaza',
  title: 'Magento with Mageplaza Webhook',
  setup:
    'System → Webhook → Manage Hooks → a new hook, tab Actions: the webhook address as Payload URL, Method POST (it is ' +
    'GET unless chosen), a Content Type, the Body, and either Authentication Basic or a Header whose value is the secret.',
  proof: {
    schema: proofSchema,
    covers: { body: 'nothing', headers: [], url: false },
    signedBy: (proof) => [proof.scheme === 'basic' ? 'authorization' : proof.header.toLowerCase()],
    secretsIn: (proof) => (proof.scheme === 'header' ? { headers: [proof.header.toLowerCase()] } : {}),
    verify(proof, message) {
      return proof.scheme === 'basic'
        ? verifyBasic(message.header('authorization'), proof.users, message.receivedAt)
        : verifyHeaderToken(message, proof.header, proof.secrets)
    },
  },
  // The body is whatever the shop's template makes of it, and nothing is sent again by itself, so there is nothing to
  // tell events apart by and no need to.
  dedupe: null,
})
