import { isSealed, type Sealer } from '../platform/sealing.ts'

/** The names under which definitions and destinations carry secrets, wherever they stand. */
const SECRET_KEYS = new Set(['secret', 'password', 'token', 'value'])
/** Objects that hold secrets; elsewhere `value` and the like are ordinary words. */
const SECRET_PLACES = new Set(['proof', 'auth'])

/** What the API shows in place of a secret; given back in a change, it leaves the secret as it is. */
export const MASKED = '***'

type Config = Record<string, unknown>

/** Seals the secrets of a definition or destination config for the database. */
export function sealSecrets<T extends object>(config: T, sealer: Sealer, identity: string): T {
  return mapSecrets(config, (secret) => sealer.seal(secret, identity))
}

/** Opens them for use. */
export function openSecrets<T extends object>(config: T, sealer: Sealer, identity: string): T {
  return mapSecrets(config, (secret) => (isSealed(secret) ? sealer.open(secret, identity) : secret))
}

/** Hides them from every reader. */
export function maskSecrets<T extends object>(config: T): T {
  return mapSecrets(config, () => MASKED)
}

/** Puts back the secrets that a change gave as they were shown, masked. */
export function keepMaskedSecrets<T extends object>(change: T, before: object): T {
  const known = before as Config
  return mapSecrets(change, (secret, place, key) => {
    const previous = known[place] as Config | null | undefined
    return secret === MASKED && typeof previous?.[key] === 'string' ? previous[key] : secret
  })
}

function mapSecrets<T extends object>(
  config: T,
  change: (secret: string, place: string, key: string) => string,
): T {
  const entries = Object.entries(config).map(([place, held]) => {
    if (!SECRET_PLACES.has(place) || typeof held !== 'object' || held === null) return [place, held]
    return [place, mapKeys(held as Config, (secret, key) => change(secret, place, key))]
  })
  return Object.fromEntries(entries) as T
}

function mapKeys(held: Config, change: (secret: string, key: string) => string): Config {
  const entries = Object.entries(held).map(([key, value]) => [
    key,
    SECRET_KEYS.has(key) && typeof value === 'string' ? change(value, key) : value,
  ])
  return Object.fromEntries(entries)
}
