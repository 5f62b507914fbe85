import { nameBelow } from '../../src/edge/domain-check.ts'
import { filled, promised, target } from '../target.ts'

const DOMAINS = ['shopify.com', 'sub.example']
/** A resolver gives no longer one, but what it gives is not for us to believe. */
const NAME_BYTES_MAX = 10_000

export const ptrName = target({
  name: 'ptr-name',
  reads: 'the name that the owner of an address has given it in DNS',
  promise: 'a plain host name below one of our domains, or nothing: no other is ever asked for',
  seeds: [
    'out.shopify.com',
    'shopify.com',
    'SHOPIFY.COM',
    'shopify.com.evil.example',
    'evilshopify.com',
    'x\\.shopify.com',
  ],
  words: ['shopify.com', '.', '\\', '\0', '..', 'K', 'ı', '.sub.example', 'xn--', '%', ' '],
  bytesMax: NAME_BYTES_MAX,
  long: {
    labels: (bytes) => filled(bytes, 'a.', '', 'shopify.com'),
    'one label': (bytes) => filled(bytes, 'a', '', '.shopify.com'),
    dots: (bytes) => filled(bytes, '.', 'a', 'shopify.com'),
  },
  read: (input) => nameBelow(DOMAINS, input.toString()),
  judge(input, found) {
    if (!found) return
    const { name, domain } = found
    promised(name === input.toString().toLowerCase(), 'it is the name that was given')
    promised(DOMAINS.includes(domain), 'the domain is one of ours')
    promised(
      name === domain || name.split('.').slice(1).join('.').endsWith(domain),
      'it stands below the domain',
    )
    promised(/^[a-z0-9_.-]{1,253}$/.test(name) && !name.includes('..'), 'it is a plain host name')
  },
})
