import { type Secret, standingOf } from '../sources/sources.ts'

/** The secrets that may be used at a moment, the newest first; of two as old as each other the later in the list. */
export function activeSecrets(secrets: readonly Secret[], at: Date): string[] {
  return secrets
    .filter((secret) => standingOf(secret, at) === 'active')
    .toReversed()
    .toSorted((left, right) => bornAt(right) - bornAt(left))
    .map(({ secret }) => secret)
}

/** What has no beginning was always there. Not minus infinity: two of those have no difference. */
function bornAt({ activeFrom }: Secret): number {
  return activeFrom === undefined ? Number.MIN_SAFE_INTEGER : Date.parse(activeFrom)
}
