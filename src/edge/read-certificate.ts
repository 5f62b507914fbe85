import { X509Certificate } from 'node:crypto'
import {
  type CertificateSubject,
  commonNameOf,
  readSubjectLines,
  subjectText,
} from '../integrations/integrations.ts'

/** Who a certificate says it is. */
export interface ClientCertificate {
  /** SHA-256 of the certificate, 64 lower-case hex digits. */
  fingerprint: string
  /** `CN=…,O=…`; empty when there is none, or none that can be read. */
  subject: string
  /** Undefined when there is none, or more than one. */
  commonName: string | undefined
}

/** A certificate, and when it counts; the time is unknown when a proxy told only of its fingerprint. */
export interface ReadCertificate extends ClientCertificate {
  validity: { from: Date; to: Date } | undefined
}

/** `fault` is a reason for the operator. */
export type CertificateReading = ReadCertificate | { fault: string }

/** Reads exactly one certificate in DER, and nothing behind it. Never throws. */
export function readDer(der: Buffer): CertificateReading {
  try {
    const certificate = new X509Certificate(der)
    // Node also takes PEM, and does not mind what follows.
    if (certificate.raw.equals(der)) return readX509(certificate)
  } catch {
    // Said below.
  }
  return { fault: 'what was handed on as a client certificate is none' }
}

export function readX509(certificate: X509Certificate): ReadCertificate {
  const { fingerprint256, validFromDate, validToDate } = certificate
  return {
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    ...namesOf(readSubjectLines(certificate.subject)),
    validity: { from: validFromDate, to: validToDate },
  }
}

export function namesOf(
  subject: CertificateSubject | undefined,
): Pick<ClientCertificate, 'subject' | 'commonName'> {
  return subject
    ? { subject: subjectText(subject), commonName: commonNameOf(subject) }
    : { subject: '', commonName: undefined }
}
