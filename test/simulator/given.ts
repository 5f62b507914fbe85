import { generateKeyPairSync } from 'node:crypto'
import type { RequestOptions } from '../../src/simulator/simulator.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** A secret or key of the form that each source has, and the options that it cannot do without. */
const PARTICULAR: Record<string, Partial<RequestOptions>> = {
  'adobe-io-events': { options: { clientId: 'client-1' } },
  'magento-mageplaza': { options: { scheme: 'basic' }, user: 'magento' },
  shopctrl: { options: { scheme: 'hmac', header: 'X-ShopCtrl-Signature' } },
  'standard-webhooks': { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
  adyen: { secret: 'DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00' },
  paypal: { options: { webhookId: '1JE4291016473214C' } },
  klarna: { options: { keyId: 'krn:partner:global:notification:signing-key:1' } },
  generic: {
    options: {
      scheme: 'hmac',
      signedText: '{timestamp}.{method}.{url}.{body}',
      timestampHeader: 'X-Timestamp',
    },
  },
}

const KEYED = ['adobe-commerce-webhooks', 'adobe-io-events', 'paypal']

/** What is needed for a right request of a source. */
export function givenFor(source: string): RequestOptions {
  return {
    url: 'https://hooks.example.com/integration/abc',
    now: new Date('2026-01-01T00:00:00Z'),
    event: 'one',
    ...(KEYED.includes(source) ? { key: privateKey } : { secret: 'a secret of some length' }),
    ...PARTICULAR[source],
  }
}
