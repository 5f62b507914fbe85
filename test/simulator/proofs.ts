/** What integrations and gateways know that receive what `given.ts` makes the simulator send. */
import { createPublicKey, KeyObject } from 'node:crypto'
import type { WrongKind } from '../../src/simulator/simulator.ts'
import { type ProofFault, type ProofTools, presetOf } from '../../src/sources/sources.ts'
import { certificateOf, rsaKeys } from '../sources/certificates.ts'
import { givenFor } from './given.ts'

const OWN_KEY = publicKeyOf('adobe-io-events')
const AUTHORITY = { name: 'Authority of this test', keys: rsaKeys() }
const AUTHORITY_CERTIFICATE = certificateOf(AUTHORITY, AUTHORITY, { isAuthority: true })
const PAYPAL_CERTIFICATE = certificateOf(
  { name: 'messageverificationcerts.paypal.com', keys: { publicKey: OWN_KEY } },
  AUTHORITY,
)

/** The proof of an integration; null for a source that has no way to prove itself. */
export function proofFor(source: string): object | null {
  if (!presetOf(source).proof) return null
  return PROOFS[source] ?? { secrets: [{ secret: givenFor(source).secret }] }
}

/** What an integration is given, where that is not a list of secrets alone. */
const PROOFS: Record<string, object> = {
  'adobe-commerce-webhooks': { publicKeys: [{ secret: pem(OWN_KEY) }] },
  'adobe-io-events': { clientId: 'client-1' },
  'magento-mageplaza': {
    scheme: 'basic',
    users: [{ username: 'magento', secret: givenFor('shopify').secret }],
  },
  tilby: {},
  shopctrl: {
    scheme: 'hmac',
    header: 'X-ShopCtrl-Signature',
    secrets: [{ secret: givenFor('shopctrl').secret }],
  },
  paypal: { webhookId: '1JE4291016473214C' },
  klarna: {
    secrets: [{ secret: givenFor('klarna').secret, keyId: 'krn:partner:global:notification:signing-key:1' }],
  },
  generic: {
    scheme: 'hmac',
    header: 'X-Signature',
    secrets: [{ secret: givenFor('generic').secret }],
    signedText: '{timestamp}.{method}.{url}.{body}',
    timestampHeader: 'X-Timestamp',
  },
}

export const TOOLS: ProofTools = {
  async fetchText(url) {
    if (/^https:\/\/static\.adobeioevents\.com\/prod\/keys\/pub-key-.*0[12]\.pem$/.test(url))
      return pem(OWN_KEY)
    return url.startsWith('https://api.paypal.com/') ? PAYPAL_CERTIFICATE : undefined
  },
  rootCertificates: [AUTHORITY_CERTIFICATE],
  pinned: { environment_id: 'sluice-demo-shop', client_id: 'sluice-demo-client' },
}

/** Which fault a verifier may find; where it cannot tell one from another, both. */
export const FAULTS: Record<WrongKind, ProofFault[]> = {
  secret: ['wrong_secret'],
  body: ['body_changed', 'wrong_secret'],
  missing: ['header_missing'],
  encoding: ['wrong_encoding', 'malformed', 'wrong_secret'],
  old: ['too_old'],
  future: ['too_new'],
  url: ['wrong_secret'],
  key: ['unknown_key', 'key_unavailable', 'wrong_certificate'],
  algorithm: ['wrong_algorithm', 'header_missing', 'malformed'],
  recipient: ['wrong_recipient', 'wrong_secret'],
  sender: ['wrong_recipient'],
}

function publicKeyOf(source: string): KeyObject {
  const { key } = givenFor(source)
  if (!(key instanceof KeyObject)) throw new Error(`${source} has no key`)
  return createPublicKey(key)
}

function pem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString()
}
