import { z } from 'zod'
import { isSealed } from '../platform/sealing.ts'
import { MASKED } from './secrets.ts'

const SECRET_LENGTH_MAX = 4_000
const SECRETS_MAX = 10

/** Visible ASCII, blanks only within: what a header can carry. */
export const VISIBLE = /^[\u0021-\u007e]([\u0020-\u007e]*[\u0021-\u007e])?$/
export const NO_CONTROL = /^[^\u0000-\u001f\u007f]*$/

/**
 * A config is read from the database before its secrets are opened, and a change gives them masked. So a sealed text
 * has a limit of its own, and neither has a form.
 */
export function secretText(
  hasForm: (text: string) => boolean,
  problem: string,
  lengthMax = SECRET_LENGTH_MAX,
) {
  return z
    .string()
    .refine((text) => text.length <= (isSealed(text) ? sealedLengthMax(lengthMax) : lengthMax), {
      message: `is longer than ${lengthMax} characters`,
      abort: true,
    })
    .refine((text) => isHidden(text) || hasForm(text), problem)
}

export function isHidden(text: string): boolean {
  return isSealed(text) || text === MASKED
}

/** Characters of up to four bytes, in base64 with what sealing adds. */
function sealedLengthMax(lengthMax: number): number {
  return Math.ceil((lengthMax * 4 * 4) / 3) + 100
}

const moment = z.iso.datetime({ offset: true })

/**
 * Secrets that take turns, so that one can be renewed while the other side still knows the old one. Each has an id,
 * by which it is known again when a change gives it masked.
 */
export function renewedSecrets(secret: ReturnType<typeof secretText>) {
  const one = z.strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, 'letters, digits, dots, hyphens and _, at most 64')
      .optional()
      .describe('names the secret in changes; chosen unless given'),
    secret,
    activeFrom: moment.optional().describe('not used before'),
    retiresAt: moment.optional().describe('not used from then on'),
  })
  return z
    .array(one)
    .min(1)
    .max(SECRETS_MAX)
    .refine(
      (secrets) => new Set(idsOf(secrets)).size === idsOf(secrets).length,
      'two secrets have the same id',
    )
    .transform(withIds)
}

function idsOf(secrets: { id?: string | undefined }[]): string[] {
  return secrets.flatMap(({ id }) => id ?? [])
}

/** The same each time: a config that is read twice is the same config. */
function withIds<S extends { id?: string | undefined }>(secrets: S[]): (S & { id: string })[] {
  const taken = new Set(idsOf(secrets))
  return secrets.map((secret) => {
    if (secret.id !== undefined) return { ...secret, id: secret.id }
    let number = 1
    while (taken.has(`s${number}`)) number++
    taken.add(`s${number}`)
    return { ...secret, id: `s${number}` }
  })
}
