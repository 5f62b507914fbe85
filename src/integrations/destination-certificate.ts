import { createPrivateKey, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import type { PlacedProblem } from './destination-auth.ts'
import { isHidden, secretText } from './destination-secret.ts'

const PEM_LENGTH_MAX = 16_000

const PRIVATE_KEY = /^-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n/m

export const certificates = z
  .string()
  .max(4 * PEM_LENGTH_MAX)
  .refine((text) => readCertificates(text) !== undefined, 'is not one or more certificates in PEM')

/** How Sluice shows itself to a destination at the TLS level. All texts are PEM. */
export const clientCertificateSchema = z.strictObject({
  cert: certificates.describe('the certificate, and after it those that lead to its authority'),
  key: secretText((text) => PRIVATE_KEY.test(text), 'is not a private key in PEM', PEM_LENGTH_MAX).describe(
    'its private key; may be encrypted',
  ),
  passphrase: secretText((text) => text.length > 0, 'is empty')
    .optional()
    .describe('of an encrypted key'),
  ca: certificates
    .optional()
    .describe('authorities that the destination is trusted by, beside those of the system'),
})

export type DestinationCertificate = z.infer<typeof clientCertificateSchema>

/** Whether key, passphrase and certificate belong together; not asked while one of them is sealed or masked. */
export function certificateProblems(given: DestinationCertificate | undefined, url: string): PlacedProblem[] {
  if (!given) return []
  if (!/^https:/i.test(url))
    return [{ path: ['clientCertificate'], message: 'can be shown to an https address only' }]
  return keyPairProblems(given)
}

export function keyPairProblems(given: Omit<DestinationCertificate, 'ca'> | undefined): PlacedProblem[] {
  if (!given) return []
  const { cert, key, passphrase } = given
  if (isHidden(key) || (passphrase !== undefined && isHidden(passphrase))) return []
  const message = keyProblem(cert, key, passphrase)
  return message ? [{ path: ['clientCertificate', 'key'], message }] : []
}

/** When the certificate itself ends. */
export function certificateEnd({ cert }: Pick<DestinationCertificate, 'cert'>): Date | undefined {
  return readCertificates(cert)?.[0]?.validToDate
}

function keyProblem(cert: string, key: string, passphrase: string | undefined): string | undefined {
  const certificate = readCertificates(cert)?.[0]
  // Each of them has its own problem then.
  if (!certificate || !PRIVATE_KEY.test(key)) return undefined
  try {
    const opened = createPrivateKey({ key, passphrase })
    return certificate.checkPrivateKey(opened) ? undefined : 'is not the key of the certificate'
  } catch {
    // What OpenSSL says here is of no help, and a wrong passphrase and a broken key look alike to it.
    return passphrase === undefined
      ? 'cannot be read, or is encrypted and needs a passphrase'
      : 'cannot be read with this passphrase'
  }
}

function readCertificates(text: string): X509Certificate[] | undefined {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  try {
    return blocks.length === 0 ? undefined : blocks.map((block) => new X509Certificate(block))
  } catch {
    return undefined
  }
}
