import { isIP } from 'node:net'
import { z } from 'zod'
import { readHost } from '../../outbound/outbound.ts'
import type { PlacedProblem } from '../destination-auth.ts'
import {
  certificates,
  clientCertificateSchema,
  type DestinationCertificate,
  keyPairProblems,
} from '../destination-certificate.ts'
import { NO_CONTROL, secretText } from '../destination-secret.ts'

/** A server with which something else than HTTP is spoken. Its address is literal: no field leads elsewhere. */
export function serverFields(port: number) {
  return {
    host: z
      .string()
      .max(253)
      .refine((text) => readHost(text) === text, 'is not a host name or an address in its plain form'),
    port: z.int().min(1).max(65_535).default(port),
    tls: z.boolean().default(true).describe('false sends everything, the password too, in the clear'),
    ca: certificates
      .optional()
      .describe('authorities in PEM that the server is trusted by, beside those of the system'),
    clientCertificate: clientCertificateSchema.omit({ ca: true }).optional(),
  }
}

const secret = secretText(
  (text) => text.length > 0 && NO_CONTROL.test(text),
  'is empty or contains a control character',
)
const username = z.string().min(1).max(255).regex(NO_CONTROL, 'contains a control character')

/** Where the server always asks who we are. */
export const loginSchema = z.strictObject({ username, password: secret.optional() })
/** Where it may not. */
export const optionalLoginSchema = z
  .strictObject({ username: username.optional(), password: secret })
  .optional()

interface Server {
  host: string
  tls: boolean
  ca?: string | undefined
  clientCertificate?: Omit<DestinationCertificate, 'ca'> | undefined
}

/** What no field of a server shows by itself. */
export function serverProblems({ tls, ca, clientCertificate }: Server): PlacedProblem[] {
  const unused = [
    { path: ['ca'], given: ca },
    { path: ['clientCertificate'], given: clientCertificate },
  ].flatMap(({ path, given }) =>
    given === undefined || tls ? [] : [{ path, message: 'needs TLS: "tls" is false' }],
  )
  return [...unused, ...keyPairProblems(clientCertificate)]
}

/** For kinds whose client checks a certificate against names alone. */
export function addressProblems({ host, tls }: Server): PlacedProblem[] {
  if (!tls || isIP(host) === 0) return []
  return [
    { path: ['host'], message: 'with TLS must be a name: the client checks no certificate for an address' },
  ]
}
