/** Which certificate the sender showed, and whether it is the one agreed on. */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import {
  type Cidr,
  type Definition,
  isSameSubject,
  looksLikeSubject,
  readSubject,
} from '../integrations/integrations.ts'
import { type Arrival, headerOf } from './arrival.ts'
import { readCertificateHeader } from './certificate-header.ts'
import { type CertificateReading, type ClientCertificate, readX509 } from './read-certificate.ts'
import { Refusal } from './refusal.ts'
import { type AddressEvidence, isTrustedProxy } from './source-address.ts'

export type { ClientCertificate }

export interface CertificateEvidence extends AddressEvidence {
  socket: Socket
}

export interface CertificateTrust {
  proxies: readonly Cidr[]
  /** CLIENT_CERT_HEADER in lower case; empty when no proxy hands on certificates. */
  header: string
}

/** Undefined when none was shown. `fault` is a reason for the operator why it does not count. */
export type ShownCertificate = ClientCertificate | { fault: string } | undefined

/** A socket keeps its certificate, and a proxy often sends for one sender after another: the last one is kept. */
const readings = new WeakMap<Socket, { header: string; reading: CertificateReading | undefined }>()

/** @throws Refusal when the integration asks for a certificate and this is none of those that it names. */
export function requireCertificate(
  arrival: Arrival,
  required: Definition['clientCertificate'],
  trust: CertificateTrust,
): void {
  if (required === null) return
  const evidence = {
    socket: arrival.incoming.socket,
    socketAddress: arrival.socketAddress,
    header: (name: string) => headerOf(arrival, name),
  }
  const fit = fitsCertificate(required, clientCertificateOf(evidence, trust, arrival.receivedAt))
  if (fit !== true) throw new Refusal('wrong_certificate', '', fit.fault)
}

/**
 * The certificate that the sender showed and that is valid at `now`. Never throws.
 *
 * A trusted proxy speaks for others: on its connection only its header counts, and not the certificate that it may
 * have shown itself, or whoever comes through it would be taken for the proxy. On every other connection only the
 * certificate of the handshake counts, if it comes from TLS_CLIENT_CA, and no header is believed.
 */
export function clientCertificateOf(
  evidence: CertificateEvidence,
  trust: CertificateTrust,
  now: Date,
): ShownCertificate {
  const reading = isTrustedProxy(evidence.socketAddress, trust.proxies)
    ? fromHeader(evidence, trust)
    : remembered(evidence.socket, '', () => fromHandshake(evidence.socket))
  if (!reading || 'fault' in reading) return reading
  const { validity, ...certificate } = reading
  const isValid = !validity || (validity.from <= now && now <= validity.to)
  if (isValid) return certificate
  const times = [validity.from, validity.to].map((time) => time.toJSON() ?? 'no time')
  return { fault: `the client certificate ${told(certificate)} counts from ${times.join(' to ')} only` }
}

/** True, or why not. */
export function fitsCertificate(
  required: Definition['clientCertificate'],
  shown: ShownCertificate,
): true | { fault: string } {
  if (required === null) return true
  if (!shown) return { fault: 'no client certificate was shown' }
  if ('fault' in shown) return shown
  const fits =
    required.fingerprints.includes(shown.fingerprint) ||
    required.subjects.some((subject) => isNamed(subject, shown))
  return fits || { fault: `the client certificate ${told(shown)} is not one that this integration names` }
}

function fromHeader(
  { socket, header }: CertificateEvidence,
  trust: CertificateTrust,
): CertificateReading | undefined {
  if (trust.header === '')
    return { fault: 'the request came through a trusted proxy, and CLIENT_CERT_HEADER is not set' }
  const given = header(trust.header)
  const value = typeof given === 'object' ? given.join(',') : given
  if (value === undefined || value.trim() === '') return undefined
  return remembered(socket, value, () => readCertificateHeader(value))
}

/** The certificate alone proves nothing: TLS also lets those pass that no CA of ours has signed. */
function fromHandshake(socket: Socket): CertificateReading | undefined {
  const shown = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
  if (!(socket instanceof TLSSocket) || !shown) return undefined
  const certificate = readX509(shown)
  if (socket.authorized) return certificate
  return {
    fault: `the client certificate ${told(certificate)} does not come from TLS_CLIENT_CA: ${socket.authorizationError}`,
  }
}

function remembered(
  socket: Socket,
  header: string,
  read: () => CertificateReading | undefined,
): CertificateReading | undefined {
  const known = readings.get(socket)
  if (known?.header === header) return known.reading
  const reading = read()
  readings.set(socket, { header, reading })
  return reading
}

function isNamed(wanted: string, { subject, commonName }: ClientCertificate): boolean {
  if (!looksLikeSubject(wanted)) return wanted === commonName
  const [one, other] = [readSubject(wanted), readSubject(subject)]
  return one !== undefined && other !== undefined && isSameSubject(one, other)
}

/** Escaped, because the text comes from outside and ends up in logs. */
function told({ subject, fingerprint }: ClientCertificate): string {
  const text = subject.length > 200 ? `${subject.slice(0, 200)}…` : subject
  return `${JSON.stringify(text)} (SHA-256 ${fingerprint})`
}
