import { createPrivateKey, type KeyObject } from 'node:crypto'
import { any2xx } from '../answer.ts'
import { type Draft, defineImitation, type Occasion } from '../imitation.ts'
import { unixSeconds } from '../moments.ts'
import type { Pen } from '../pen.ts'
import { SimulationError } from '../problem.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

/** Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md. With a secret it signs v1, with a key v1a. */
export const standardWebhooks = defineImitation({
  name: 'standard-webhooks',
  title: 'Standard Webhooks',
  credentials: {
    secret: 'the secret, whsec_ and base64; or whsk_ and base64 for a private ed25519 key',
    key: 'a private ed25519 key',
  },
  options: {
    secretIs: { meaning: 'what the secret holds', fallback: 'base64', choices: ['base64', 'text'] },
    headerPrefix: { meaning: 'of its three headers', fallback: 'webhook-', choices: ['webhook-', 'svix-'] },
  },
  topic: 'invoice.paid',
  sample: {
    file: 'standard-webhooks-invoice.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew: ({ topic, ids, now }) => ({
      type: topic,
      timestamp: now.toISOString(),
      'data.id': `inv_${ids.letters('invoice', 20)}`,
    }),
  },
  request: (occasion) => ({ headers: standardHeaders(occasion, occasion.option('headerPrefix')) }),
  prove(draft, pen, { option }) {
    const prefix = option('headerPrefix')
    const text = signedText(draft, prefix)
    const found = signatures(text, pen, option('secretIs') === 'text' ? 'utf8' : 'base64')
    return { headers: { [`${prefix}signature`]: found.join(' ') } }
  },
  wrong: ['secret', 'body', 'missing', 'encoding', 'old', 'future'],
  taken: any2xx,
})

export function standardHeaders(
  { ids, deliveryId, signedAt }: Occasion,
  prefix = 'webhook-',
): Record<string, string> {
  return {
    [`${prefix}id`]: deliveryId ?? `msg_${ids.letters('delivery', 27)}`,
    [`${prefix}timestamp`]: String(unixSeconds(signedAt)),
  }
}

/** Id, timestamp and body. */
export function signedText({ headers, body }: Draft, prefix = 'webhook-'): Buffer {
  return Buffer.concat([Buffer.from(`${headers[`${prefix}id`]}.${headers[`${prefix}timestamp`]}.`), body])
}

/** `v1,<base64>` */
export function symmetricSignature(text: Buffer, pen: Pen, key: Buffer): string {
  return `v1,${pen.encode(pen.hmac('sha256', key, text), 'base64')}`
}

function signatures(text: Buffer, pen: Pen, encoding: 'utf8' | 'base64'): string[] {
  const found: string[] = []
  const isAsymmetric = pen.has('secret') && pen.secret().startsWith(ASYMMETRIC)
  // Asked for when nothing was given, so that the one that is missing is the usual one.
  if (!isAsymmetric && (pen.has('secret') || !pen.has('key')))
    found.push(symmetricSignature(text, pen, keyBytes(pen.secret(), encoding)))
  if (isAsymmetric) found.push(asymmetricSignature(text, pen, keyOfSeed(pen.secret())))
  if (pen.has('key')) found.push(asymmetricSignature(text, pen))
  return found
}

function asymmetricSignature(text: Buffer, pen: Pen, key?: KeyObject): string {
  return `v1a,${pen.encode(pen.sign(text, key), 'base64')}`
}

function keyBytes(secret: string, encoding: 'utf8' | 'base64'): Buffer {
  return Buffer.from(encoding === 'base64' ? secret.replace(/^whsec_/, '') : secret, encoding)
}

const ASYMMETRIC = 'whsk_'
const SEED_BYTES = 32
/** What stands before the seed in PKCS#8. Source: RFC 8410, section 7. */
const PKCS8_START = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The seed alone, or followed by the public key. */
function keyOfSeed(secret: string): KeyObject {
  const seed = Buffer.from(secret.slice(ASYMMETRIC.length), 'base64').subarray(0, SEED_BYTES)
  if (seed.length < SEED_BYTES)
    throw new SimulationError('a secret with whsk_ holds the 32 bytes of an ed25519 key at least, in base64')
  return createPrivateKey({ key: Buffer.concat([PKCS8_START, seed]), format: 'der', type: 'pkcs8' })
}
