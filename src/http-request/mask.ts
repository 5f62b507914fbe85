import { isCredentialName } from '../integrations/integrations.ts'
import { finderOf, replaceAt } from '../payload/written-places.ts'

const MASK = '***'

/** What must not be shown: values under these names, and these texts wherever they stand. */
export interface Hidden {
  names: readonly string[]
  texts: readonly string[]
}

/** Shorter texts occur by chance, and are only hidden under their names. */
const HIDDEN_LENGTH_MIN = 6

/** Replaces the values of headers that carry secrets, and hidden texts wherever they occur. */
export function maskHeaders(
  headers: readonly (readonly [name: string, value: string])[],
  hidden: Hidden,
): [name: string, value: string][] {
  return headers.map(([name, value]) => [name, isSecret(name, hidden) ? MASK : maskText(value, hidden)])
}

/** Replaces the values of query parameters that carry secrets, and hidden texts wherever they occur. */
export function maskUrl(url: string, hidden: Hidden): string {
  const [path = '', ...queries] = url.split('?')
  if (queries.length === 0) return maskText(url, hidden)
  const parts = queries.join('?').split('&')
  return maskText(`${path}?${parts.map((part) => maskParameter(part, hidden)).join('&')}`, hidden)
}

/** Replaces hidden texts however they are written, the longest at each place, so that no remainder of one is left. */
export function maskText(text: string, { texts }: Hidden): string {
  const long = texts.filter((secret) => secret.length >= HIDDEN_LENGTH_MIN)
  if (long.length === 0) return text
  const places = finderOf(long).placesIn(text)
  return places ? replaceAt(text, places, MASK) : MASK
}

function maskParameter(part: string, hidden: Hidden): string {
  const [name = '', ...value] = part.split('=')
  return value.length > 0 && isSecret(decoded(name), hidden) ? `${name}=${MASK}` : part
}

function isSecret(name: string, { names }: Hidden): boolean {
  const lower = name.toLowerCase()
  if (names.some((one) => one.toLowerCase() === lower)) return true
  return isCredentialName(name)
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
