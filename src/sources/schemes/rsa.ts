import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { type Secret, secretLike, secretsOf } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'
import { diagnoseBody } from './diagnosis.ts'
import { chooseSecret } from './secret-choice.ts'

/** What was signed, with the body in its place. */
type SignedText = (body: Buffer) => string | Buffer

/** PEM public keys, in the list shape of secrets so that a key can be renewed without losing an event. */
export const publicKeysSchema = secretsOf(
  secretLike((pem) => readPublicKey(pem) !== undefined, 'an RSA public key in PEM, of at least 2048 bits'),
)

export interface RsaCheck {
  readonly keys: readonly Secret[]
  /** In base64. */
  readonly signature: string
  readonly body: Buffer
  readonly signed: SignedText
  readonly at: Date
}

/** Checks a signature, RSA (PKCS #1 v1.5) with SHA-256, against every public key that is active. */
export function verifyRsa({ keys, signature, body, signed, at }: RsaCheck): Verdict {
  const bytes = readSignature(signature)
  if (!bytes) return unproven('malformed', 'the signature is no base64')
  const fits = (form: Buffer) => (key: Secret) => {
    const publicKey = publicKeyOf(key)
    return publicKey !== undefined && isSignedBy(publicKey, signed(form), bytes)
  }
  return chooseSecret(keys, at, fits(body), (active) => {
    return diagnoseBody(body, (form) => active.some(fits(form))) ?? unproven('wrong_secret')
  })
}

/** As {@link verifyRsa}, with one key that is no setting. */
export function verifyWithKey(key: KeyObject, signature: Buffer, body: Buffer, signed: SignedText): Verdict {
  const fits = (form: Buffer) => isSignedBy(key, signed(form), signature)
  return fits(body) ? { proven: true } : (diagnoseBody(body, fits) ?? unproven('wrong_secret'))
}

/** The bytes of a signature in base64, or undefined where it is not in its one canonical form. */
export function readSignature(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined
}

const PUBLIC_KEY = /^\s*-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/

/** The key of a PEM text, or undefined where it is no RSA public key; a private one is not taken for its public half. */
export function readPublicKey(pem: string): KeyObject | undefined {
  if (!PUBLIC_KEY.test(pem)) return undefined
  try {
    const key = createPublicKey(pem.trim())
    return isStrongRsa(key) ? key : undefined
  } catch {
    return undefined
  }
}

const BITS_MIN = 2_048

export function isStrongRsa(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= BITS_MIN
}

function isSignedBy(key: KeyObject, signed: string | Buffer, signature: Buffer): boolean {
  const bytes = typeof signed === 'string' ? Buffer.from(signed) : signed
  return verify('sha256', bytes, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
}

const keys = new WeakMap<Secret, KeyObject | undefined>()

/** Read once per definition. */
function publicKeyOf(key: Secret): KeyObject | undefined {
  if (!keys.has(key)) keys.set(key, readPublicKey(key.secret))
  return keys.get(key)
}
