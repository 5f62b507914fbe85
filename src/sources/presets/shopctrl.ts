import { z } from 'zod'
import type { Message } from '../message.ts'
import { definePreset } from '../preset.ts'
import { usersSchema, verifyBasic } from '../schemes/basic.ts'
import { verifyBodyHmac } from '../schemes/hmac.ts'
import { headerNameSchema } from '../schemes/token.ts'
import { secretsSchema } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'

/** ShopCtrl publishes neither the header nor the form of its signature, so all of it is asked for. */
const hmacSchema = z.strictObject({
  scheme: z.literal('hmac').describe('A header carries an HMAC of the body'),
  header: headerNameSchema.describe('as seen in a request that was sent'),
  secrets: secretsSchema,
  algorithm: z.enum(['sha256', 'sha512', 'sha1']).default('sha256'),
  encoding: z.enum(['base64', 'hex']).default('base64'),
  prefix: z.string().max(64).default('').describe('what stands before the digest, such as sha256='),
})

const proofSchema = z.discriminatedUnion('scheme', [
  z.strictObject({ scheme: z.literal('basic').describe('HTTP Basic'), users: usersSchema }),
  hmacSchema,
])

export const preset = definePreset({
  name: 'shopctrl',
  title: 'ShopCtrl',
  setup:
    'Configuration → Triggers → Add: choose the event and the shop, and add the action Call Webhook with the webhook ' +
    'address as URL. The HMAC secret is entered on its General tab, a user name and password on its Authentication tab.',
  proof: {
    schema: proofSchema,
    covers: ({ scheme }) => ({ body: scheme === 'hmac' ? 'bytes' : 'nothing', headers: [], url: false }),
    signedBy: (proof) => [proof.scheme === 'basic' ? 'authorization' : proof.header.toLowerCase()],
    verify(proof, message) {
      return proof.scheme === 'basic'
        ? verifyBasic(message.header('authorization'), proof.users, message.receivedAt)
        : verifySignature(proof, message)
    },
  },
  // The default payload holds ids only: a second change of an order has the same bytes as the first, and must not be
  // taken for it. Source: ShopCtrl, "Webhooks", Default webhook payloads.
  dedupe: null,
  senderDomains: ['shopctrl.com'],
})

function verifySignature(proof: z.infer<typeof hmacSchema>, message: Message): Verdict {
  const given = message.header(proof.header.toLowerCase())
  if (given === undefined) return unproven('header_missing', proof.header)
  if (!given.startsWith(proof.prefix))
    return unproven('malformed', `${proof.header} does not begin with ${proof.prefix}`)
  return verifyBodyHmac(message, proof.secrets, [given.slice(proof.prefix.length)], {
    algorithm: proof.algorithm,
    encoding: proof.encoding,
  })
}
