import { X509Certificate } from 'node:crypto'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** SEQUENCE { SEQUENCE { 1.3.6.1.5.5.7.3.2 } }: to be trusted for client authentication. */
const TRUSTED_FOR_CLIENTS = Buffer.from('300c300a06082b06010505070302', 'hex')

/** The certificates in a PEM file, in their order. @throws when one cannot be read */
export function certificatesIn(pem: string): X509Certificate[] {
  return [...pem.matchAll(CERTIFICATE)].map(([text]) => new X509Certificate(text))
}

/**
 * The CAs of a PEM file as ends of chains, whoever signed them. Written plainly, OpenSSL believes in a CA only if its
 * root is there too, and then in all that the root has ever signed; and `allowPartialTrustChain` is an option that
 * Node's servers drop. Source: OpenSSL, openssl-x509 (Trust Settings) and i2d_X509_AUX.
 */
export function trustAnchors(pem: string): string {
  const trusted = certificatesIn(pem).map(({ raw }) => {
    const text = Buffer.concat([raw, TRUSTED_FOR_CLIENTS]).toString('base64')
    const lines = text.match(/.{1,64}/g) ?? []
    return `-----BEGIN TRUSTED CERTIFICATE-----\n${lines.join('\n')}\n-----END TRUSTED CERTIFICATE-----\n`
  })
  return trusted.join('')
}
