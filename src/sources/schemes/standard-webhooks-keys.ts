import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'

/** What a secret is worth in the scheme: `v1` is HMAC-SHA256, `v1a` is Ed25519. */
export interface SigningKey {
  readonly version: 'v1' | 'v1a'
  readonly key: KeyObject
}

const SYMMETRIC = 'whsec_'
const PUBLIC = 'whpk_'
const PUBLIC_KEY_BYTES = 32

/** Padding may be missing, as it is where secrets are copied by hand. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/

/**
 * Whether a text is a secret as the specification writes it: `whsec_` and base64, the prefix optional, or `whpk_` and
 * base64 of a public key. The specification wants 24 to 64 bytes of the former, but its libraries take any number,
 * and so senders use others. Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md and libraries/.
 */
export function isStandardSecret(text: string): boolean {
  const encoded = withoutPrefix(text)
  if (encoded === '' || !BASE64.test(encoded)) return false
  return !text.startsWith(PUBLIC) || Buffer.from(encoded, 'base64').length === PUBLIC_KEY_BYTES
}

/** The key in a text of which {@link isStandardSecret} is true. */
export function keyOfStandardSecret(text: string): SigningKey {
  const bytes = Buffer.from(withoutPrefix(text), 'base64')
  if (!text.startsWith(PUBLIC)) return { version: 'v1', key: createSecretKey(bytes) }
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }
  return { version: 'v1a', key: createPublicKey({ key: jwk, format: 'jwk' }) }
}

/** The key of senders that sign with the bytes of their secret as it is written. */
export function keyOfText(text: string): SigningKey {
  return { version: 'v1', key: createSecretKey(Buffer.from(text)) }
}

function withoutPrefix(text: string): string {
  const prefix = [SYMMETRIC, PUBLIC].find((known) => text.startsWith(known)) ?? ''
  return text.slice(prefix.length)
}
