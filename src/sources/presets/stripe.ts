import { z } from 'zod'
import { inEvent } from '../identity.ts'
import { definePreset } from '../preset.ts'
import { addressesUnder } from '../schemes/address-list.ts'
import { verifyHmac } from '../schemes/hmac.ts'
import { readTimestamp, timeFault, toleranceSecondsSchema } from '../schemes/timestamp.ts'
import { secretsSchema } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'

const SIGNATURE = 'stripe-signature'

export const preset = definePreset({
  name: 'stripe',
  title: 'Stripe',
  setup:
    'Workbench → Webhooks → Create new destination → Webhook endpoint: enter the webhook address. ' +
    'The secret is the signing secret (whsec_…) that the destination reveals; test mode and live mode have one each.',
  proof: {
    schema: z.strictObject({
      secrets: secretsSchema.describe('whsec_…, whole'),
      toleranceSeconds: toleranceSecondsSchema.describe('how old the signed time may be'),
    }),
    covers: { body: 'bytes', headers: [], url: false },
    signedBy: [SIGNATURE],
    /** Source: stripe/stripe-node, src/Webhooks.ts. */
    verify({ secrets, toleranceSeconds }, message) {
      const text = message.header(SIGNATURE)
      if (text === undefined) return unproven('header_missing', 'Stripe-Signature')
      const read = readSignature(text)
      if ('fault' in read) return read.fault
      const verdict = verifyHmac({
        secrets,
        signatures: read.signatures,
        body: message.body,
        signed: (body) => [`${read.timestamp}.`, body],
        at: message.receivedAt,
        form: { algorithm: 'sha256', encoding: 'hex' },
      })
      if (!verdict.proven) return verdict
      // Stripe's own library refuses what is old and nothing else.
      const tolerance = { pastSeconds: toleranceSeconds, futureSeconds: Number.POSITIVE_INFINITY }
      return timeFault(read.atMs, message.receivedAt, tolerance) ?? verdict
    },
  },
  identity: {
    topic: [inEvent('type')],
    eventId: [inEvent('id')],
    occurredAt: [inEvent('created')],
    // The connected account; an event of one's own account names none.
    sender: [inEvent('account'), inEvent('context')],
  },
  dedupe: { keys: [['eventId']], windowSeconds: 7 * 86_400 },
  senderDomains: ['stripe.com'],
  /** Source: docs.stripe.com/ips, "Webhook notifications". */
  publishedAddresses: {
    url: 'https://stripe.com/files/ips/ips_webhooks.json',
    read: (text) => addressesUnder('WEBHOOKS', text),
  },
})

interface Signature {
  readonly timestamp: string
  readonly atMs: number
  readonly signatures: readonly string[]
}

/** Reads `t=…,v1=…,v1=…,v0=…`; v0 is no proof. */
function readSignature(text: string): Signature | { fault: Verdict } {
  const items = text.split(',')
  const of = (key: string) =>
    items.filter((item) => item.startsWith(`${key}=`)).map((item) => item.slice(key.length + 1))
  const [timestamp, ...others] = of('t')
  const atMs = timestamp === undefined ? undefined : readTimestamp(timestamp, 'seconds')
  if (timestamp === undefined || atMs === undefined || others.length > 0)
    return { fault: unproven('malformed', 'Stripe-Signature has no single t=<Unix time>') }
  const signatures = of('v1')
  if (signatures.length > 0) return { timestamp, atMs, signatures }
  if (items.some((item) => /^v[0-9]+=/.test(item)))
    return { fault: unproven('wrong_algorithm', 'Stripe-Signature has no signature v1') }
  return { fault: unproven('malformed', 'Stripe-Signature has no signature') }
}
