import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { sameText } from '../compare.ts'
import type { Message } from '../message.ts'
import type { Secret } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'
import { diagnose } from './diagnosis.ts'
import { chooseSecret } from './secret-choice.ts'

export type HmacAlgorithm = 'sha1' | 'sha256' | 'sha512'
export type DigestEncoding = 'base64' | 'hex'

export interface HmacForm {
  readonly algorithm: HmacAlgorithm
  readonly encoding: DigestEncoding
  /** The key's bytes; the secret as UTF-8 unless given. */
  readonly keyOf?: (secret: string) => Buffer
}

/** What was signed, as chunks in order, with the body in its place. */
export type SignedText = (body: Buffer) => readonly (string | Buffer)[]

export interface HmacCheck {
  readonly secrets: readonly Secret[]
  /** One of them must be right; written in the one canonical form of the encoding, prefix already removed. */
  readonly signatures: readonly string[]
  readonly body: Buffer
  readonly signed: SignedText
  readonly at: Date
  readonly form: HmacForm
}

/** Checks signatures over the body and nothing else, as most sources make them. */
export function verifyBodyHmac(
  message: Message,
  secrets: readonly Secret[],
  signatures: readonly string[],
  form: HmacForm,
): Verdict {
  const { body, receivedAt: at } = message
  return verifyHmac({ secrets, signatures, body, signed: (bytes) => [bytes], at, form })
}

/** Senders put one for each of their secrets; a header has room for thousands, each to be compared many times. */
const SIGNATURES_MAX = 20

/** Checks signatures against every secret that is active. */
export function verifyHmac({ secrets, signatures, body, signed, at, form }: HmacCheck): Verdict {
  if (signatures.length > SIGNATURES_MAX)
    return unproven('malformed', `more than ${SIGNATURES_MAX} signatures`)
  const digestOf = (secret: Secret, bytes: Buffer) => digest(secret, signed(bytes), form)
  function fits(secret: Secret): boolean {
    const expected = digestOf(secret, body).toString(form.encoding)
    // Every signature is compared, so that the time tells nothing about which one was right.
    return signatures.filter((signature) => sameText(signature, expected)).length > 0
  }
  return chooseSecret(secrets, at, fits, (active) => {
    const fault = diagnose(signatures, body, form.encoding, active, digestOf)
    return fault ?? unproven('wrong_secret')
  })
}

function digest(
  secret: Secret,
  chunks: readonly (string | Buffer)[],
  { algorithm, keyOf }: HmacForm,
): Buffer {
  const hmac = createHmac(algorithm, keyOfSecret(secret, keyOf))
  for (const chunk of chunks) hmac.update(chunk)
  return hmac.digest()
}

const keys = new WeakMap<Secret, KeyObject>()

/** Made once per definition: preparing a key costs as much as signing a small body. */
function keyOfSecret(secret: Secret, keyOf: HmacForm['keyOf']): KeyObject {
  const known = keys.get(secret)
  if (known) return known
  const made = createSecretKey(keyOf ? keyOf(secret.secret) : Buffer.from(secret.secret))
  keys.set(secret, made)
  return made
}
