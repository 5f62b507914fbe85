/**
 * Certificates made as a test needs them, byte by byte: libraries refuse to write many of those that an attacker or a
 * sloppy authority would. Source: RFC 5280 section 4.1, ITU-T X.690.
 */
import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'

/** Relative names as they stand in the certificate, the least specific first; each with one attribute or more. */
export type Subject = [type: string, value: string | DerValue][][]

/** A value in another type of string than UTF-8. */
export interface DerValue {
  tag: number
  bytes: Buffer
}

export interface MadeCertificate {
  /** PEM. */
  cert: string
  key: string
  der: Buffer
  /** SHA-256 in lower-case hex. */
  fingerprint: string
  signer: Signer
}

interface Signer {
  name: Buffer
  key: KeyObject
}

export interface CertificateWish {
  subject: Subject
  /** Who signs; itself when there is nobody. */
  by?: MadeCertificate
  from?: Date
  to?: Date
  isAuthority?: boolean
  /** Host names it is for, beside 127.0.0.1. */
  hosts?: string[]
}

const OIDS: Record<string, string> = {
  CN: '2.5.4.3',
  C: '2.5.4.6',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  emailAddress: '1.2.840.113549.1.9.1',
}
const ECDSA_WITH_SHA256 = der(0x30, oid('1.2.840.10045.4.3.2'))

/** One key for all that need not be told apart by it. */
const commonKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })

export function makeCertificate(wish: CertificateWish, keys = commonKeys): MadeCertificate {
  const { subject, by, from = new Date('2020-01-01'), to = new Date('2120-01-01') } = wish
  const name = der(0x30, ...subject.map((attributes) => der(0x31, ...attributes.map(attribute))))
  const signer = by?.signer ?? { name, key: keys.privateKey }
  const certified = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    signer.name,
    der(0x30, time(from), time(to)),
    name,
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, ...extensions(wish))),
  )
  const signature = sign('sha256', certified, signer.key)
  const bytes = der(0x30, certified, ECDSA_WITH_SHA256, der(0x03, Buffer.of(0), signature))
  return {
    cert: pem(bytes),
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    der: bytes,
    fingerprint: createHash('sha256').update(bytes).digest('hex'),
    signer: { name, key: keys.privateKey },
  }
}

/** An authority with a key of its own. */
export function makeAuthority(commonName: string, by?: MadeCertificate): MadeCertificate {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return makeCertificate({ subject: [[['CN', commonName]]], isAuthority: true, ...(by && { by }) }, keys)
}

export function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** The lines in which Node tells the subject of a certificate. */
export function subjectLinesOf(subject: Subject): string | undefined {
  return new X509Certificate(makeCertificate({ subject }).der).subject
}

function extensions({ isAuthority = false, hosts }: CertificateWish): Buffer[] {
  const constraints = isAuthority ? der(0x30, der(0x01, Buffer.of(0xff))) : der(0x30)
  const list = [der(0x30, oid('2.5.29.19'), der(0x01, Buffer.of(0xff)), der(0x04, constraints))]
  if (!hosts) return list
  const names = [der(0x87, Buffer.of(127, 0, 0, 1)), ...hosts.map((host) => der(0x82, Buffer.from(host)))]
  return [...list, der(0x30, oid('2.5.29.17'), der(0x04, der(0x30, ...names)))]
}

function attribute([type, value]: Subject[number][number]): Buffer {
  const text = typeof value === 'string' ? { tag: 0x0c, bytes: Buffer.from(value) } : value
  return der(0x30, oid(OIDS[type] ?? type), der(text.tag, text.bytes))
}

/** GeneralizedTime from 2050 on, UTCTime before, as the RFC asks. */
function time(date: Date): Buffer {
  const digits = `${date.toISOString().replace(/\D/g, '').slice(0, 14)}Z`
  return date.getUTCFullYear() >= 2050
    ? der(0x18, Buffer.from(digits))
    : der(0x17, Buffer.from(digits.slice(2)))
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(number: number): number[] {
  const digits = [number & 0x7f]
  for (let left = number >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80)
  return digits
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content])
  const bytes = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...bytes), content])
}
