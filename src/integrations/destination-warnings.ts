import { certificateEnd } from './destination-certificate.ts'
import type { ConfigOf, DestinationConfig } from './destination-config.ts'

export interface ConfigWarning {
  /** `url`, `auth.tokenUrl` */
  path: string
  message: string
}

const CERTIFICATE_ENDS_SOON_MS = 30 * 86_400_000

/** What is allowed in a destination and yet hardly wanted. None of it shows a secret. */
export function destinationWarnings(config: DestinationConfig, now: Date): ConfigWarning[] {
  const warnings = config.kind === 'http' ? addressWarnings(config) : plainWarnings(config)
  const message = certificateWarning(config, now)
  if (message) warnings.push({ path: 'clientCertificate.cert', message })
  return warnings
}

function addressWarnings({ url, auth }: ConfigOf<'http'>): ConfigWarning[] {
  const warnings: ConfigWarning[] = []
  if (isPlain(url)) {
    const what = auth.kind === 'none' ? 'what is sent' : 'what is sent, the credentials among it,'
    const message = `an http:// address: ${what} can be read and changed on the way`
    warnings.push({ path: 'url', message })
  }
  if (auth.kind === 'oauth2' && isPlain(auth.tokenUrl)) {
    const message = 'an http:// address: client secret and token can be read on the way'
    warnings.push({ path: 'auth.tokenUrl', message })
  }
  return warnings
}

function isPlain(url: string): boolean {
  return /^http:/i.test(url)
}

function plainWarnings(config: Exclude<DestinationConfig, { kind: 'http' }>): ConfigWarning[] {
  if (config.kind === 'file' || (config.tls !== false && config.tls !== 'none')) return []
  const what = config.auth === undefined ? 'what is sent' : 'what is sent, the credentials among it,'
  return [{ path: 'tls', message: `without TLS ${what} can be read and changed on the way` }]
}

function certificateWarning(config: DestinationConfig, now: Date): string | undefined {
  const end =
    'clientCertificate' in config && config.clientCertificate && certificateEnd(config.clientCertificate)
  if (!end) return undefined
  const leftMs = end.getTime() - now.getTime()
  if (leftMs <= 0) return `the certificate ended on ${end.toISOString().slice(0, 10)}`
  return leftMs < CERTIFICATE_ENDS_SOON_MS
    ? `the certificate ends on ${end.toISOString().slice(0, 10)}`
    : undefined
}
