import { z } from 'zod'
import { stringifyExact } from '../../payload/exact-json.ts'
import { inEvent } from '../identity.ts'
import type { Message } from '../message.ts'
import { definePreset } from '../preset.ts'
import { publicKeysSchema, verifyRsa } from '../schemes/rsa.ts'
import { unproven, type Verdict } from '../verdict.ts'

const SIGNATURE = 'x-adobe-commerce-webhook-signature'

/**
 * Source: AdobeDocs/commerce-extensibility, src/pages/webhooks/signature-verification.md, whose two samples differ:
 * the one for App Builder takes the body as it came, the one for Express writes its JSON anew.
 */
const proofSchema = z.strictObject({
  publicKeys: publicKeysSchema.describe('the public key that is shown after Regenerate key pair, in PEM'),
  rewrittenJson: z
    .boolean()
    .default(false)
    .describe('also believe a signature that fits the body only after its JSON was written anew'),
})

type Proof = z.infer<typeof proofSchema>

export const preset = definePreset<Proof>({
  name: 'adobe-commerce-webhooks',
  title: 'Adobe Commerce webhooks',
  setup:
    'Stores → Settings → Configuration → Adobe Services → Webhooks: enable the digital signature, regenerate the key ' +
    'pair and copy the public key. The webhook address goes into the hook; set required to false, or a failure ' +
    'stops the shopper.',
  proof: {
    schema: proofSchema,
    covers: ({ rewrittenJson }) => ({ body: rewrittenJson ? [''] : 'bytes', headers: [], url: false }),
    signedBy: [SIGNATURE],
    verify({ publicKeys, rewrittenJson }, message) {
      const signature = message.header(SIGNATURE)
      if (signature === undefined) return unproven('header_missing', SIGNATURE)
      const check = (body: Buffer) =>
        verifyRsa({
          keys: publicKeys,
          signature,
          body,
          signed: (form) => form.toString('base64'),
          at: message.receivedAt,
        })
      const verdict = check(message.body)
      if (verdict.proven || !rewrittenJson) return verdict
      const rewritten = rewrite(message)
      const second: Verdict = rewritten ? check(rewritten) : verdict
      // Over the body as it came, nothing shows that it was signed with a key of another time.
      const isTelling =
        second.proven || second.fault === 'secret_retired' || second.fault === 'secret_not_active'
      return isTelling ? second : verdict
    },
  },
  methods: ['POST', 'PUT'],
  // Commerce waits for what is to happen next, in the middle of the shopper's action. Source: responses.md, same folder.
  replies: { accepted: { status: 200, contentType: 'application/json', body: '{"op":"success"}' } },
  identity: { topic: [inEvent('eventName')] },
})

/** As `JSON.stringify` would, but without rounding long numbers: a change of their last digits must not pass. */
function rewrite(message: Message): Buffer | undefined {
  const value = message.value()
  return value === undefined ? undefined : Buffer.from(stringifyExact(value))
}
