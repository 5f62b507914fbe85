import { z } from 'zod'
import { sameText } from '../compare.ts'
import type { Message } from '../message.ts'
import type { Secret } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'
import { chooseSecret } from './secret-choice.ts'

/** The name of a header that the operator chooses. */
export const headerNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'letters, digits and hyphens, at most 64')

/** Checks a secret that is sent as it is. Nothing of the request is covered by it. */
export function verifyToken(given: string, secrets: readonly Secret[], at: Date): Verdict {
  return chooseSecret(
    secrets,
    at,
    (secret) => sameText(given, secret.secret),
    () => unproven('wrong_secret'),
  )
}

/** Checks a header that is a secret as it is; the header's name as the vendor writes it. */
export function verifyHeaderToken(message: Message, header: string, secrets: readonly Secret[]): Verdict {
  const given = message.header(header.toLowerCase())
  return given === undefined
    ? unproven('header_missing', header)
    : verifyToken(given, secrets, message.receivedAt)
}
