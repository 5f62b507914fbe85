import { z } from 'zod'
import { sameText } from '../compare.ts'
import { secretSchema } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'
import { chooseSecret } from './secret-choice.ts'

/** A user with his password as the secret; a name has no colon (RFC 7617). */
export const userSchema = secretSchema.safeExtend({
  username: z
    .string()
    .min(1)
    .max(300)
    .regex(/^[^:]*$/, 'a name has no colon'),
})

export type User = z.infer<typeof userSchema>

export const usersSchema = z.array(userSchema).min(1).max(10)

/** Checks HTTP Basic credentials; a password may contain colons. */
export function verifyBasic(authorization: string | undefined, users: readonly User[], at: Date): Verdict {
  if (authorization === undefined) return unproven('header_missing', 'Authorization')
  const given = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1]
  if (given === undefined) return unproven('malformed', 'Authorization is not Basic')
  return chooseSecret(
    users,
    at,
    ({ username, secret }) => sameText(given, Buffer.from(`${username}:${secret}`).toString('base64')),
    () => unproven('wrong_secret'),
  )
}
