import { z } from 'zod'
import { DEFAULT_BODY_LIMITS } from '../../payload/body-limits.ts'
import { getKey, isObject, type Json } from '../../payload/exact-json.ts'
import { readJson } from '../../payload/read-json.ts'
import { inBody, inEvent } from '../identity.ts'
import { definePreset } from '../preset.ts'
import { verifyBodyHmac } from '../schemes/hmac.ts'
import { secretsSchema } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'

const SIGNATURE = 'x-signature'
const ALGORITHM = 'HMAC-SHA256'

/** Wire facts: x-series-api.lightspeedhq.com/docs/webhooks. */
export const preset = definePreset({
  name: 'lightspeed-x-series',
  title: 'Lightspeed Retail (X-Series)',
  setup:
    'Create the webhook by /api/webhook as an OAuth app with the webhook address; the secret is the client secret of the ' +
    'app. Webhooks that are typed in on the page /setup/api of the shop are not signed.',
  proof: {
    schema: z.strictObject({
      secrets: secretsSchema.describe('the client secret of the app'),
      encoding: z
        .enum(['hex', 'base64'])
        .default('hex')
        .describe('how the digest is written, which Lightspeed does not say'),
    }),
    covers: { body: 'bytes', headers: [], url: false },
    signedBy: [SIGNATURE],
    verify({ secrets, encoding }, message) {
      const text = message.header(SIGNATURE)
      if (text === undefined) return unproven('header_missing', 'X-Signature')
      const signature = signatureIn(text)
      if (typeof signature !== 'string') return signature
      return verifyBodyHmac(message, secrets, [signature], { algorithm: 'sha256', encoding })
    },
  },
  batch: payloadOf,
  identity: {
    occurredAt: [inEvent('updated_at')],
    sender: [inBody('domain_prefix')],
  },
  // Nothing names a delivery; an entity that changed has another version.
  dedupe: { keys: [['sender', 'bytes'], ['bytes']], windowSeconds: 3 * 86_400 },
  senderDomains: ['lightspeedhq.com', 'lightspeed.app', 'vendhq.com'],
})

/** Reads `signature=…,algorithm=HMAC-SHA256`. The header names the algorithm and does not choose it. */
function signatureIn(text: string): string | Verdict {
  const [, signature, algorithm] = /^signature=([^,]+), *algorithm=([^,]*)$/.exec(text) ?? []
  if (signature === undefined)
    return unproven('malformed', 'X-Signature is not signature=…,algorithm=HMAC-SHA256')
  return algorithm === ALGORITHM ? signature : unproven('wrong_algorithm', `X-Signature is not ${ALGORITHM}`)
}

/**
 * The entity in the field `payload` is the event, whether other fields such as `domain_prefix` come with it or not: a
 * form of that one field is read as its JSON already, and Lightspeed promises no other.
 */
function payloadOf(form: Json): Json[] | undefined {
  const text = isObject(form) ? getKey(form, 'payload') : undefined
  if (typeof text !== 'string') return undefined
  const json = readJson(text, DEFAULT_BODY_LIMITS)
  if (!json.ok) return undefined
  const entity = json.read()
  return typeof entity === 'object' && entity !== null ? [entity] : undefined
}
