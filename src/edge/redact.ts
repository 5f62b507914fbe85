import type { Arrival } from './arrival.ts'

/** Tells two secrets apart without telling either. */
export type Fingerprint = (secret: string) => string

const CREDENTIAL_HEADER = /^(authorization|proxy-authorization|cookie|.*(secret|token|password|api-?key).*)$/i
const CREDENTIAL_PARAMETER = /(secret|token|password|key|auth)/i

/** The headers in the order and spelling they came, credentials replaced before anything is written anywhere. */
export function redactHeaders(
  arrival: Arrival,
  fingerprint: Fingerprint,
  proofHeader: string | undefined,
): [string, string][] {
  const raw = arrival.incoming.rawHeaders
  const headers: [string, string][] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? ''
    const value = raw[index + 1] ?? ''
    const secret = CREDENTIAL_HEADER.test(name) || name.toLowerCase() === proofHeader?.toLowerCase()
    headers.push([name, secret ? fingerprint(value) : value])
  }
  return headers
}

/** Path and query, with the values of parameters that look like credentials replaced. */
export function redactTarget(target: string, fingerprint: Fingerprint): string {
  const at = target.indexOf('?')
  if (at === -1) return target
  const parameters = target.slice(at + 1).split('&')
  return `${target.slice(0, at)}?${parameters.map((pair) => redactParameter(pair, fingerprint)).join('&')}`
}

function redactParameter(pair: string, fingerprint: Fingerprint): string {
  const [name = '', ...rest] = pair.split('=')
  return rest.length > 0 && CREDENTIAL_PARAMETER.test(name) ? `${name}=${fingerprint(rest.join('='))}` : pair
}
