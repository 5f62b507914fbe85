import { createHash } from 'node:crypto'
import tls from 'node:tls'

/** How a request shows who it comes from at the TLS level. All texts are PEM. */
export interface ClientCertificate {
  /** The certificate, and after it those that lead to its authority. */
  cert: string
  /** Its private key; may be encrypted. */
  key: string
  passphrase?: string | undefined
  /** Authorities that this other side is trusted by, beside the system's. */
  ca?: string | undefined
}

/** What connections of one kind have in common; one made for another identity is never used. */
export interface TlsIdentity {
  /** Empty without a client certificate. */
  name: string
  context: tls.SecureContext
}

/** The certificate, its key or its passphrase cannot be used. */
export class CertificateError extends Error {
  constructor(cause: unknown) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    super(`the client certificate cannot be used: ${detail}`)
    this.name = 'CertificateError'
  }
}

/** Decrypting a key is slow on purpose, so what was made once is kept; this many. */
const IDENTITIES_MAX = 1_000

/**
 * Makes identities and remembers them.
 *
 * @param trusted PEM certificates that are trusted beside the system's, for every request
 * @returns a function that throws a {@link CertificateError}.
 */
export function createIdentities(trusted: readonly string[]) {
  const known = new Map<string, TlsIdentity>()
  return (certificate: ClientCertificate | undefined): TlsIdentity => {
    const name = certificate ? nameOf(certificate) : ''
    const remembered = known.get(name)
    if (remembered) return remembered
    const identity = { name, context: contextOf(certificate, trusted) }
    const oldest = known.keys().next().value
    if (known.size >= IDENTITIES_MAX && oldest !== undefined) known.delete(oldest)
    known.set(name, identity)
    return identity
  }
}

/** Says nothing about the key; two certificates that differ in anything have two names. */
function nameOf({ cert, key, passphrase, ca }: ClientCertificate): string {
  const whole = JSON.stringify([cert, key, passphrase ?? null, ca ?? null])
  return createHash('sha256').update(whole).digest('base64url')
}

function contextOf(certificate: ClientCertificate | undefined, trusted: readonly string[]) {
  const more = [...trusted, ...(certificate?.ca === undefined ? [] : [certificate.ca])]
  const ca = more.length === 0 ? undefined : [...tls.getCACertificates('default'), ...more]
  if (!certificate) return tls.createSecureContext({ ca })
  const { cert, key, passphrase } = certificate
  try {
    return tls.createSecureContext({ cert, key, passphrase, ca })
  } catch (error) {
    throw new CertificateError(error)
  }
}
