import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'

/** How a sender shows that it knows a secret. Secrets are sealed wherever they are stored. */
export const proofSchema = z.discriminatedUnion('scheme', [
  z.strictObject({
    scheme: z.literal('header').describe('A header carries the secret as it is'),
    header: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
    secret: z.string().min(1).max(1_000),
  }),
  z.strictObject({
    scheme: z.literal('hmac').describe('A header carries an HMAC of the exact bytes of the body'),
    header: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
    secret: z.string().min(1).max(1_000),
    algorithm: z.enum(['sha256', 'sha512', 'sha1']).default('sha256'),
    encoding: z.enum(['base64', 'hex']).default('base64'),
    prefix: z.string().max(64).default(''),
  }),
])

export type Proof = z.infer<typeof proofSchema>

/** Why a proof failed; for the operator's eyes, the sender is told only that it did. */
export type ProofFault = 'header missing' | 'wrong secret' | 'wrong signature, or the body was changed'

/** Checks a sender's proof over the exact bytes. Gives nothing when it holds. */
export function proofFault(
  proof: Proof,
  header: (name: string) => string | undefined,
  body: Buffer,
): ProofFault | undefined {
  const given = header(proof.header.toLowerCase())
  if (given === undefined) return 'header missing'
  if (proof.scheme === 'header') return sameText(given, proof.secret) ? undefined : 'wrong secret'
  const digest = createHmac(proof.algorithm, keyOf(proof)).update(body).digest(proof.encoding)
  return sameText(given, `${proof.prefix}${digest}`) ? undefined : 'wrong signature, or the body was changed'
}

const keys = new WeakMap<Proof, KeyObject>()

/** Made once per definition: preparing a key costs as much as signing a small body. */
function keyOf(proof: Proof): KeyObject {
  const known = keys.get(proof) ?? createSecretKey(proof.secret, 'utf8')
  keys.set(proof, known)
  return known
}

/** Compares in a time that tells nothing about where two texts differ; their lengths are no secret. */
function sameText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
