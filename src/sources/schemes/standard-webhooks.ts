import { createHmac, type KeyObject, verify as verifyEd25519 } from 'node:crypto'
import { sameText } from '../compare.ts'
import type { Message } from '../message.ts'
import type { Secret } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'
import { diagnose } from './diagnosis.ts'
import { chooseSecret } from './secret-choice.ts'
import type { SigningKey } from './standard-webhooks-keys.ts'
import { readTimestamp, timeFault } from './timestamp.ts'

/**
 * What the names of the three headers begin with. Svix, where the scheme comes from, uses its own name unless its
 * customer pays for another. Source: docs.svix.com, receiving/verifying-payloads/how-manual.
 */
export const HEADER_PREFIXES = ['webhook-', 'svix-'] as const

export interface StandardCheck {
  readonly message: Message
  readonly prefix: (typeof HEADER_PREFIXES)[number]
  readonly secrets: readonly Secret[]
  /** Asked once for each secret. */
  readonly keyOf: (secret: string) => SigningKey
  /** Into the past and into the future, as the libraries do. */
  readonly toleranceSeconds: number
}

/**
 * Checks a message by Standard Webhooks: id, time and body are signed together, and one signature of several has to be
 * right. Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
 */
export function verifyStandard({
  message,
  prefix,
  secrets,
  keyOf,
  toleranceSeconds,
}: StandardCheck): Verdict {
  const signed = readSigned(message, prefix)
  if ('fault' in signed) return signed.fault
  const known = (secret: Secret) => keyOfSecret(secret, keyOf)
  const verdict = chooseSecret(
    secrets,
    message.receivedAt,
    (secret) => fits(known(secret), signed),
    (active) => tellFault(active, signed, known),
  )
  const tolerance = { pastSeconds: toleranceSeconds, futureSeconds: toleranceSeconds }
  return verdict.proven ? (timeFault(signed.atMs, message.receivedAt, tolerance) ?? verdict) : verdict
}

interface Signed {
  /** What is signed before the body. */
  readonly head: string
  readonly body: Buffer
  readonly atMs: number
  readonly signatures: Readonly<Record<SigningKey['version'], readonly string[]>>
}

function readSigned(message: Message, prefix: StandardCheck['prefix']): Signed | { fault: Verdict } {
  const id = message.header(`${prefix}id`)
  const timestamp = message.header(`${prefix}timestamp`)
  const signature = message.header(`${prefix}signature`)
  if (signature === undefined) return { fault: unproven('header_missing', `${prefix}signature`) }
  if (id === undefined) return { fault: unproven('header_missing', `${prefix}id`) }
  if (timestamp === undefined) return { fault: unproven('header_missing', `${prefix}timestamp`) }
  // With a dot, parts of one signed text could be told as another id, time and body.
  if (id.includes('.')) return { fault: unproven('malformed', `${prefix}id has a dot`) }
  const atMs = readTimestamp(timestamp, 'seconds')
  if (atMs === undefined) return { fault: unproven('malformed', `${prefix}timestamp is no Unix time`) }
  // Both families name the event to the identity readers, and only one of them is signed.
  if (HEADER_PREFIXES.some((other) => (message.header(`${other}id`) ?? id) !== id))
    return { fault: unproven('malformed', 'webhook-id and svix-id differ') }
  const signatures = readSignatures(signature)
  return 'fault' in signatures
    ? signatures
    : { head: `${id}.${timestamp}.`, body: message.body, atMs, signatures }
}

/** Each costs a check of its own with a public key. */
const SIGNATURES_MAX = 20

/** Versions that nobody here knows are passed over: they are how the scheme is to be renewed. */
function readSignatures(text: string): Signed['signatures'] | { fault: Verdict } {
  const written = text.split(' ')
  if (written.length > SIGNATURES_MAX)
    return { fault: unproven('malformed', `more than ${SIGNATURES_MAX} signatures`) }
  const of = (version: string) =>
    written.filter((one) => one.startsWith(`${version},`)).map((one) => one.slice(version.length + 1))
  const signatures = { v1: of('v1'), v1a: of('v1a') }
  if (signatures.v1.length + signatures.v1a.length > 0) return signatures
  if (written.some((one) => /^v[0-9]+[a-z]*,/.test(one)))
    return { fault: unproven('wrong_algorithm', 'no signature of version v1 or v1a') }
  return { fault: unproven('malformed', 'no signature of the form v1,…') }
}

const keys = new WeakMap<Secret, SigningKey>()

/** Made once per definition: making a key costs more than checking a small body with it. */
function keyOfSecret(secret: Secret, keyOf: StandardCheck['keyOf']): SigningKey {
  const key = keys.get(secret) ?? keyOf(secret.secret)
  keys.set(secret, key)
  return key
}

function fits({ version, key }: SigningKey, { signatures, head, body }: Signed): boolean {
  const given = signatures[version]
  if (given.length === 0) return false
  if (version === 'v1') {
    const expected = digest(key, head, body).toString('base64')
    return given.filter((signature) => sameText(signature, expected)).length > 0
  }
  const text = Buffer.concat([Buffer.from(head), body])
  return given.some((signature) => {
    const bytes = Buffer.from(signature, 'base64')
    // Only the one canonical form of the text is right.
    return bytes.toString('base64') === signature && verifyEd25519(null, text, key, bytes)
  })
}

function digest(key: KeyObject, head: string, body: Buffer): Buffer {
  return createHmac('sha256', key).update(head).update(body).digest()
}

function tellFault(
  active: readonly Secret[],
  { signatures, head, body }: Signed,
  keyOf: (secret: Secret) => SigningKey,
): Verdict {
  if (!active.some((secret) => signatures[keyOf(secret).version].length > 0)) {
    const [version, form] = signatures.v1.length > 0 ? ['v1', 'whsec_…'] : ['v1a', 'whpk_…']
    return unproven('wrong_algorithm', `signed by ${version}, for which no secret ${form} is active`)
  }
  const symmetric = active.filter((secret) => keyOf(secret).version === 'v1')
  const digestOf = (secret: Secret, form: Buffer) => digest(keyOf(secret).key, head, form)
  return diagnose(signatures.v1, body, 'base64', symmetric, digestOf) ?? unproven('wrong_secret')
}
