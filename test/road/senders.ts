import { generateKeyPairSync } from 'node:crypto'
import type { GatewayOptions } from '../../src/cli/gateway.ts'
import { type RequestOptions, type SimulatedRequest, signedRequest } from '../../src/simulator/simulator.ts'
import { post, type SenderAnswer } from '../world/gateway.ts'

/** What the integration of a source is given as its proof, and what its sender signs with. */
interface Sender {
  proof: object
  given: Partial<RequestOptions>
}

const SECRET = 'a-secret-of-the-shop'
const ADOBE_CLIENT = '00000000000000000000000000000000'
const adobe = generateKeyPairSync('rsa', { modulusLength: 2048 })

export const SENDERS = {
  shopify: withSecret(SECRET),
  woocommerce: withSecret(SECRET),
  retino: withSecret(SECRET),
  tilby: { proof: {}, given: {} },
  shopctrl: withHmac(SECRET, 'X-ShopCtrl-Signature'),
  openticket: withSecret(SECRET),
  'adobe-io-events': {
    proof: { clientId: ADOBE_CLIENT },
    given: { key: adobe.privateKey, options: { clientId: ADOBE_CLIENT } },
  },
  stripe: withSecret('whsec_of-the-endpoint'),
  github: withSecret(SECRET),
  'standard-webhooks': withSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'),
} satisfies Record<string, Sender>

export type Source = keyof typeof SENDERS

/** Where the public keys of these senders are found. */
export const PROOFS: GatewayOptions['proofs'] = {
  fetchText: async (url) =>
    url.startsWith('https://static.adobeioevents.com/prod/keys/')
      ? adobe.publicKey.export({ type: 'spki', format: 'pem' }).toString()
      : undefined,
}

/** A request of this moment, signed as the source signs. */
export function signedBy(
  source: Source,
  options: Pick<RequestOptions, 'url' | 'event'> & Partial<RequestOptions>,
): SimulatedRequest {
  return signedRequest(source, { now: new Date(), ...SENDERS[source].given, ...options })
}

export function send({ url, headers, body }: SimulatedRequest): Promise<SenderAnswer> {
  return post(url, body, Object.fromEntries(new Headers(headers)))
}

function withSecret(secret: string): Sender {
  return { proof: { secrets: [{ secret }] }, given: { secret } }
}

function withHmac(secret: string, header: string): Sender {
  return {
    proof: { scheme: 'hmac', header, secrets: [{ secret }] },
    given: { secret, options: { scheme: 'hmac', header } },
  }
}
