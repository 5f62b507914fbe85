import { MASK } from '../payload/redact-fields.ts'
import type { Arrival } from './arrival.ts'
/** Tells two secrets apart without telling either. */
export type Fingerprint = (secret: string) => string

/** Names, in lower case, of what holds a secret and of what is not kept at all. */
export interface NamedPlaces {
  secret: readonly string[]
  hidden: readonly string[]
}

/** The names that were asked for lately: the same few come with every request. */
const NAMES_MAX = 1_000
const verdicts = new Map<string, boolean>()

const CREDENTIAL_HEADER =
  /authorization|authentication|cookie|secret|token|passw|credential|session|(api|access|auth|private|function)s?-?key|(^|-)(auth|jwt|pwd)(-|$)/i
const CREDENTIAL_PARAMETER = /secret|token|pass|pwd|key|auth|credential|session|jwt|^code$/i

/**
 * The headers in the order and spelling they came, credentials replaced before anything is written anywhere.
 *
 * @param secret in lower case: headers whose value is the secret of this integration
 * @param hidden in lower case: headers of which nothing is kept
 */
export function redactHeaders(
  arrival: Arrival,
  fingerprint: Fingerprint,
  { secret, hidden }: NamedPlaces,
): [string, string][] {
  const raw = arrival.incoming.rawHeaders
  const headers: [string, string][] = []
  function redacted(name: string, value: string): string {
    const lower = name.toLowerCase()
    if (hidden.includes(lower)) return MASK
    return isCredential(name) || secret.includes(lower) ? fingerprint(value) : value
  }
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? ''
    const value = raw[index + 1] ?? ''
    headers.push([name, redacted(name, value)])
  }
  return headers
}

function isCredential(name: string): boolean {
  const known = verdicts.get(name)
  if (known !== undefined) return known
  const verdict = CREDENTIAL_HEADER.test(name)
  if (verdicts.size < NAMES_MAX) verdicts.set(name, verdict)
  return verdict
}

/** Path and query, with the values of parameters replaced that look like credentials or are named as secrets. */
export function redactTarget(target: string, fingerprint: Fingerprint, named: NamedPlaces): string {
  const at = target.indexOf('?')
  if (at === -1) return target
  const parameters = target.slice(at + 1).split('&')
  return `${target.slice(0, at)}?${parameters
    .map((pair) => redactParameter(pair, fingerprint, named))
    .join('&')}`
}

function redactParameter(pair: string, fingerprint: Fingerprint, { secret, hidden }: NamedPlaces): string {
  const [written = '', ...rest] = pair.split('=')
  const name = plainName(written)
  if (rest.length > 0 && hidden.includes(name.toLowerCase())) return `${written}=${MASK}`
  return rest.length > 0 && (CREDENTIAL_PARAMETER.test(name) || secret.includes(name.toLowerCase()))
    ? `${written}=${fingerprint(rest.join('='))}`
    : pair
}

/** `%74oken` is read as `token` by whoever receives it, and so is `%74oken` beside an escape that is none. */
function plainName(name: string): string {
  if (!/[%+]/.test(name)) return name
  // The first & keeps a ? at the beginning from being dropped.
  const [read = name] = new URLSearchParams(`&${name}`).keys()
  return read
}
