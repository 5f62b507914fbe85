import { createHash } from 'node:crypto'
import { z } from 'zod'
import { sameText } from '../compare.ts'
import { inEvent } from '../identity.ts'
import type { Message } from '../message.ts'
import { type Coverage, definePreset } from '../preset.ts'
import { verifyHmac } from '../schemes/hmac.ts'
import { chooseSecret } from '../schemes/secret-choice.ts'
import { readTimestamp, timeFault, toleranceSecondsSchema } from '../schemes/timestamp.ts'
import { secretsSchema } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'

const SIGNATURE_V3 = 'X-HubSpot-Signature-v3'
const TIMESTAMP = 'X-HubSpot-Request-Timestamp'
const SIGNATURE = 'X-HubSpot-Signature'
const VERSION = 'X-HubSpot-Signature-Version'

const proofSchema = z.strictObject({
  secrets: secretsSchema.describe('the client secret of the app'),
  versions: z
    .array(z.enum(['v3', 'v2', 'v1']))
    .min(1)
    .default(['v3'])
    .describe(
      'signatures that are believed. v2 and v1 sign no time, so whoever saw such a request can send it again; v1 does ' +
        'not sign the address either. Where v3 is believed and sent, it alone decides',
    ),
  toleranceSeconds: toleranceSecondsSchema,
})

type Proof = z.infer<typeof proofSchema>

/** Source of the signatures: HubSpot, "Validating requests", and HubSpot/hubspot-api-nodejs, src/utils/signature.ts. */
export const preset = definePreset<Proof>({
  name: 'hubspot',
  title: 'HubSpot',
  setup:
    'In the settings of your app → Webhooks: enter the webhook address as target URL and create subscriptions. The ' +
    "secret is the app's client secret, on its tab Auth.",
  proof: {
    schema: proofSchema,
    covers: coverageOf,
    signedBy: ({ versions }) => [
      ...(versions.includes('v3') ? [SIGNATURE_V3.toLowerCase()] : []),
      ...(versions.some((version) => version !== 'v3') ? [SIGNATURE.toLowerCase()] : []),
    ],
    verify(proof, message) {
      const isV3 = message.header(SIGNATURE_V3.toLowerCase()) !== undefined
      const hasOlder = proof.versions.some((version) => version !== 'v3')
      return proof.versions.includes('v3') && (isV3 || !hasOlder)
        ? verifyV3(proof, message)
        : verifyOlder(proof, message)
    },
  },
  identity: {
    topic: [inEvent('subscriptionType'), inEvent('eventType')],
    eventId: [inEvent('eventId')],
    occurredAt: [inEvent('occurredAt')],
    sender: [inEvent('portalId')],
  },
  // HubSpot does not promise that an eventId is unique; attemptNumber differs with every attempt.
  dedupe: {
    keys: [['sender', inEvent('subscriptionId'), 'eventId', inEvent('occurredAt')]],
    windowSeconds: 7 * 86_400,
  },
  batch: '',
  senderDomains: ['hubspot.com', 'hubapi.com'],
})

/** What the weakest of the versions covers that are believed. */
function coverageOf({ versions }: Proof): Coverage {
  return {
    body: 'bytes',
    headers: versions.every((version) => version === 'v3') ? [TIMESTAMP.toLowerCase()] : [],
    url: !versions.includes('v1'),
  }
}

function verifyV3({ secrets, toleranceSeconds }: Proof, message: Message): Verdict {
  const signature = message.header(SIGNATURE_V3.toLowerCase())
  const timestamp = message.header(TIMESTAMP.toLowerCase())
  if (signature === undefined) return unproven('header_missing', SIGNATURE_V3)
  if (timestamp === undefined) return unproven('header_missing', TIMESTAMP)
  const signedMs = readTimestamp(timestamp, 'milliseconds')
  if (signedMs === undefined) return unproven('malformed', `${TIMESTAMP} is no Unix time`)
  const verdict = verifyHmac({
    secrets,
    signatures: [signature],
    body: message.body,
    signed: (body) => [message.method, decodeUrl(message.url), body, timestamp],
    at: message.receivedAt,
    form: { algorithm: 'sha256', encoding: 'base64' },
  })
  if (!verdict.proven) return verdict
  const tolerance = { pastSeconds: toleranceSeconds, futureSeconds: toleranceSeconds }
  return timeFault(signedMs, message.receivedAt, tolerance) ?? verdict
}

/** The escapes that are undone before an address is signed; all others stay. Source: "Validating requests", v3. */
const ESCAPES = /%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/g

function decodeUrl(url: string): string {
  return url.replace(ESCAPES, (written) => decodeURIComponent(written))
}

function verifyOlder({ secrets, versions }: Proof, message: Message): Verdict {
  const signature = message.header(SIGNATURE.toLowerCase())
  const version = message.header(VERSION.toLowerCase())
  if (signature === undefined) return unproven('header_missing', SIGNATURE)
  if (version === undefined) return unproven('header_missing', VERSION)
  if (version === 'v3' || !versions.some((believed) => believed === version))
    return unproven('wrong_algorithm', `${SIGNATURE} is ${version}, believed are ${versions.join(', ')}`)
  // A plain hash with the secret in front lets anyone add to a signed body, always with zero bytes in between.
  if (message.body.includes(0)) return unproven('malformed', 'the body has a zero byte')
  const signed = version === 'v1' ? '' : `${message.method}${message.url}`
  return chooseSecret(
    secrets,
    message.receivedAt,
    ({ secret }) => sameText(signature, hash(secret, signed, message.body)),
    () => unproven('wrong_secret'),
  )
}

function hash(secret: string, signed: string, body: Buffer): string {
  return createHash('sha256').update(secret).update(signed).update(body).digest('hex')
}
