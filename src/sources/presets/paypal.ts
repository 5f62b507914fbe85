import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { inEvent, inHeader } from '../identity.ts'
import { definePreset, type ProofTools } from '../preset.ts'
import { chainFault, readCertificates } from '../schemes/certificate-chain.ts'
import { isStrongRsa, readSignature, verifyWithKey } from '../schemes/rsa.ts'
import { unproven } from '../verdict.ts'

const ID = 'paypal-transmission-id'
const TIME = 'paypal-transmission-time'
const SIGNATURE = 'paypal-transmission-sig'
const ALGORITHM = 'paypal-auth-algo'
const CERTIFICATE_URL = 'paypal-cert-url'

const proofSchema = z.strictObject({
  webhookId: z
    .string()
    .regex(/^[A-Za-z0-9]{1,100}$/, 'letters and digits, at most 100')
    .describe('the id of the webhook, which PayPal signs but does not send'),
  // A chain to a public root shows only that somebody has a certificate. Source of the names: paypal/PayPal-Java-SDK,
  // SSLUtil.validateCertificateChain().
  certificateNames: z
    .array(z.string().min(1).max(253))
    .min(1)
    .default(['messageverificationcerts.paypal.com', 'messageverificationcerts.sandbox.paypal.com'])
    .describe('names of which the certificate must have one'),
  intermediates: z
    .string()
    .max(20_000)
    .refine((pem) => readCertificates(pem) !== undefined, 'certificates in PEM')
    .optional()
    .describe(
      'certificates between that of PayPal and a public root, in PEM, should PayPal not send them along',
    ),
})

type Proof = z.infer<typeof proofSchema>

/**
 * PayPal signs a CRC-32 of the body in its place, which is no cryptographic hash: it shows accidents, but whoever saw
 * one signed request can make another body that fits. Source of the signed text: PayPal, "Integrate webhooks".
 */
export const preset = definePreset<Proof>({
  name: 'paypal',
  title: 'PayPal',
  setup:
    'Developer Dashboard → Apps & Credentials → your app → Add Webhook: enter the webhook address and choose events. ' +
    'The webhook id is shown there afterwards.',
  proof: {
    schema: proofSchema,
    covers: { body: 'bytes', headers: [ID, TIME, ALGORITHM], url: false },
    signedBy: [SIGNATURE],
    async verify(proof, message, tools) {
      const names = [SIGNATURE, ID, TIME, ALGORITHM, CERTIFICATE_URL]
      const missing = names.find((name) => message.header(name) === undefined)
      if (missing !== undefined) return unproven('header_missing', missing)
      const [given = '', id = '', time = '', algorithm, url = ''] = names.map((name) => message.header(name))
      if (algorithm !== 'SHA256withRSA') return unproven('wrong_algorithm', `${ALGORITHM}: ${algorithm}`)
      const signature = readSignature(given)
      if (!signature) return unproven('malformed', `${SIGNATURE} is no base64`)
      // With a bar, parts of one signed text could be told as another id and time.
      if (`${id}${time}`.includes('|')) return unproven('malformed', `${ID} or ${TIME} has a bar`)
      const key = await fetchKey(url, proof, message.receivedAt, tools)
      if ('proven' in key) return key
      return verifyWithKey(
        key,
        signature,
        message.body,
        (body) => `${id}|${time}|${proof.webhookId}|${crc32(body)}`,
      )
    },
  },
  identity: {
    topic: [inEvent('event_type')],
    deliveryId: [inHeader(ID)],
    eventId: [inEvent('id')],
    occurredAt: [inEvent('create_time')],
  },
  dedupe: { keys: [['eventId']], windowSeconds: 7 * 86_400 },
  senderDomains: ['paypal.com'],
})

async function fetchKey(
  url: string,
  { certificateNames, intermediates }: Proof,
  at: Date,
  { fetchText, rootCertificates }: ProofTools,
) {
  if (!isCertificateUrl(url)) return unproven('wrong_certificate', `${CERTIFICATE_URL} is none of PayPal`)
  const pem = await fetchText(url)
  if (pem === undefined) return unproven('key_unavailable', url)
  const certificates = readCertificates(`${pem}\n${intermediates ?? ''}`)
  if (!certificates) return unproven('wrong_certificate', `no certificate at ${url}`)
  const [leaf] = certificates
  if (!certificateNames.some((name) => leaf.checkHost(name, CHECKED_NAME) !== undefined))
    return unproven('wrong_certificate', `made out to ${leaf.subject.replaceAll('\n', ', ')}`)
  const fault = chainFault(certificates, rootCertificates, at)
  if (fault !== undefined) return unproven('wrong_certificate', fault)
  const key = leaf.publicKey
  return isStrongRsa(key) ? key : unproven('wrong_certificate', 'its key is no RSA key of 2048 bits')
}

const CHECKED_NAME = { subject: 'always', wildcards: false } as const

const CERTIFICATE_PATH = /^\/v[0-9]{1,2}\/notifications\/certs\/CERT-[A-Za-z0-9-]{1,100}$/

/** The sender chooses this address, so nothing is asked for but a certificate at PayPal, written in the one plain way. */
function isCertificateUrl(text: string): boolean {
  const url = URL.parse(text)
  return (
    url !== null &&
    (url.hostname === 'paypal.com' || url.hostname.endsWith('.paypal.com')) &&
    CERTIFICATE_PATH.test(url.pathname) &&
    text === `https://${url.hostname}${url.pathname}`
  )
}
