import { type Secret, type Standing, standingOf } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'

/** Gives the verdict for the first active secret that fits; a fault tells when only an inactive one does. */
export function chooseSecret<S extends Secret>(
  secrets: readonly S[],
  at: Date,
  fits: (secret: S) => boolean,
  otherwise: (active: readonly S[]) => Verdict,
): Verdict {
  const standing = (wanted: Standing) => secrets.filter((secret) => standingOf(secret, at) === wanted)
  const active = standing('active')
  const fitting = active.find(fits)
  if (fitting) return { proven: true, secret: fitting }
  const retired = standing('retired').find(fits)
  if (retired) return unproven('secret_retired', retired.id)
  const early = standing('not_active').find(fits)
  if (early) return unproven('secret_not_active', early.id)
  return active.length === 0 ? unproven('no_active_secret') : otherwise(active)
}
