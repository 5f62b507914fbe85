import type { Arrival } from './arrival.ts'

/** Tells two secrets apart without telling either. */
export type Fingerprint = (secret: string) => string

/** The names that were asked for lately: the same few come with every request. */
const NAMES_MAX = 1_000
const verdicts = new Map<string, boolean>()

const CREDENTIAL_HEADER =
  /authorization|authentication|cookie|secret|token|passw|credential|session|(api|access|auth|private|function)s?-?key|(^|-)(auth|jwt|pwd)(-|$)/i
const CREDENTIAL_PARAMETER = /secret|token|pass|pwd|key|auth|credential|session|jwt|^code$/i

/**
 * The headers in the order and spelling they came, credentials replaced before anything is written anywhere.
 *
 * @param secretHeaders in lower case: headers whose value is the secret of this integration
 */
export function redactHeaders(
  arrival: Arrival,
  fingerprint: Fingerprint,
  secretHeaders: readonly string[],
): [string, string][] {
  const raw = arrival.incoming.rawHeaders
  const headers: [string, string][] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? ''
    const value = raw[index + 1] ?? ''
    const secret = isCredential(name) || secretHeaders.includes(name.toLowerCase())
    headers.push([name, secret ? fingerprint(value) : value])
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
export function redactTarget(
  target: string,
  fingerprint: Fingerprint,
  secretParameters: readonly string[],
): string {
  const at = target.indexOf('?')
  if (at === -1) return target
  const parameters = target.slice(at + 1).split('&')
  return `${target.slice(0, at)}?${parameters
    .map((pair) => redactParameter(pair, fingerprint, secretParameters))
    .join('&')}`
}

function redactParameter(pair: string, fingerprint: Fingerprint, secrets: readonly string[]): string {
  const [written = '', ...rest] = pair.split('=')
  const name = plainName(written)
  return rest.length > 0 && (CREDENTIAL_PARAMETER.test(name) || secrets.includes(name.toLowerCase()))
    ? `${written}=${fingerprint(rest.join('='))}`
    : pair
}

/** `%74oken` is read as `token` by whoever receives it. */
function plainName(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
