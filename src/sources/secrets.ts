import { z } from 'zod'

/** What the API shows in place of a secret; given back in a change, it leaves the secret as it is. */
export const MASKED = '***'

const moment = z.iso.datetime({ offset: true })

/** One of the secrets of a sender; several at once let a secret be renewed without losing an event. */
export const secretSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, 'letters, digits, dots, hyphens and _, at most 64')
      .optional()
      .describe('names the secret where its last use is told; chosen unless given'),
    secret: z.string().min(1).max(10_000),
    activeFrom: moment.optional().describe('not valid before'),
    retiresAt: moment.optional().describe('not valid from then on'),
  })
  .refine(
    ({ activeFrom, retiresAt }) =>
      !activeFrom || !retiresAt || Date.parse(activeFrom) < Date.parse(retiresAt),
    {
      path: ['retiresAt'],
      message: 'lies before activeFrom',
    },
  )

export type Secret = z.infer<typeof secretSchema>

const SECRETS_MAX = 10

/** A secret that has a form of its own, such as hex. */
export function secretLike(hasForm: (text: string) => boolean, message: string) {
  const secret = z
    .string()
    .min(1)
    .max(10_000)
    .refine((text) => text === MASKED || hasForm(text), message)
  return secretSchema.safeExtend({ secret })
}

/** The list of secrets that most presets ask for. */
export const secretsSchema = secretsOf(secretSchema)

/** A list of secrets of a preset's own form. */
export function secretsOf<S extends z.ZodType<Secret>>(secret: S) {
  return z.array(secret).min(1).max(SECRETS_MAX)
}

export type Standing = 'active' | 'not_active' | 'retired'

export function standingOf(secret: Secret, at: Date): Standing {
  if (secret.activeFrom !== undefined && at.getTime() < Date.parse(secret.activeFrom)) return 'not_active'
  if (secret.retiresAt !== undefined && at.getTime() >= Date.parse(secret.retiresAt)) return 'retired'
  return 'active'
}
