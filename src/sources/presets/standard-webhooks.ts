import { z } from 'zod'
import { inEvent, inHeader } from '../identity.ts'
import type { Message } from '../message.ts'
import { definePreset } from '../preset.ts'
import { HEADER_PREFIXES, verifyStandard } from '../schemes/standard-webhooks.ts'
import { isStandardSecret, keyOfStandardSecret, keyOfText } from '../schemes/standard-webhooks-keys.ts'
import { toleranceSecondsSchema } from '../schemes/timestamp.ts'
import { MASKED, secretsSchema } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'

const proofSchema = z
  .strictObject({
    secrets: secretsSchema.describe(
      'whsec_… as the sender shows it, or whpk_… where it signs with a key pair',
    ),
    secretIs: z
      .enum(['base64', 'text'])
      .default('base64')
      .describe('text: for senders who have you encode the secret yourself before a library is given it'),
    headerPrefix: z
      .enum(HEADER_PREFIXES)
      .default('webhook-')
      .describe('svix-: for senders whose headers are called svix-id, svix-timestamp and svix-signature'),
    toleranceSeconds: toleranceSecondsSchema,
  })
  .superRefine(({ secrets, secretIs }, context) => {
    if (secretIs === 'text') return
    for (const [index, { secret }] of secrets.entries()) {
      if (secret === MASKED || isStandardSecret(secret)) continue
      const message =
        'whsec_ and base64, or whpk_ and base64 of 32 bytes; any other secret goes with secretIs text'
      context.addIssue({ code: 'custom', path: ['secrets', index, 'secret'], message })
    }
  })

type Proof = z.infer<typeof proofSchema>

export const preset = definePreset<Proof>({
  name: 'standard-webhooks',
  title: 'Standard Webhooks',
  setup:
    'For every system that follows standardwebhooks.com, and for senders that run on Svix: enter the webhook address there, ' +
    'and copy the signing secret (whsec_…) or the public key (whpk_…) that it shows.',
  proof: {
    schema: proofSchema,
    covers: ({ headerPrefix }) => ({
      body: 'bytes',
      headers: [`${headerPrefix}id`, `${headerPrefix}timestamp`],
      url: false,
    }),
    signedBy: ({ headerPrefix }) => [`${headerPrefix}signature`],
    verify(proof, message) {
      const verdict = check(proof, message)
      const isWrong = !verdict.proven && verdict.fault === 'wrong_secret'
      return (isWrong && otherReading(proof, message)) || verdict
    },
  },
  identity: {
    topic: [inEvent('type')],
    // The same at every attempt.
    deliveryId: HEADER_PREFIXES.map((prefix) => inHeader(`${prefix}id`)),
    occurredAt: [inEvent('timestamp')],
  },
  dedupe: { keys: [['deliveryId']], windowSeconds: 7 * 86_400 },
})

function check({ secrets, secretIs, headerPrefix, toleranceSeconds }: Proof, message: Message): Verdict {
  const keyOf = secretIs === 'text' ? keyOfText : keyOfStandardSecret
  return verifyStandard({ message, prefix: headerPrefix, secrets, keyOf, toleranceSeconds })
}

/** A larger body is not tried again: a wrong signature must not cost many times a right one. */
const REREAD_BYTES_MAX = 65_536

/** The operator is told when the secret is right but taken for the other kind of text. */
function otherReading(proof: Proof, message: Message): Verdict | undefined {
  if (message.body.length > REREAD_BYTES_MAX) return undefined
  const secretIs = proof.secretIs === 'text' ? 'base64' : 'text'
  const secrets = proof.secrets
    .filter(({ secret }) => secretIs === 'text' || isStandardSecret(secret))
    .map((secret) => ({ ...secret }))
  const { proven } = check({ ...proof, secretIs, secrets }, message)
  return proven ? unproven('wrong_secret', `it is right where secretIs is ${secretIs}`) : undefined
}
