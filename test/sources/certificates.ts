/** X.509 certificates made on the spot, in as little DER as they take. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

export interface Keys {
  publicKey: KeyObject
  privateKey: KeyObject
}

export function rsaKeys(modulusLength = 2048): Keys {
  return generateKeyPairSync('rsa', { modulusLength })
}

export interface Holder {
  name: string
  keys: Keys
}

export interface CertificateOptions {
  isAuthority?: boolean
  from?: Date
  until?: Date
}

/** A certificate in PEM that says the key is the subject's, signed by the issuer, valid from 2020 to 2040. */
export function certificateOf(
  subject: { name: string; keys: Pick<Keys, 'publicKey'> },
  issuer: Holder,
  {
    isAuthority = false,
    from = new Date('2020-01-01'),
    until = new Date('2040-01-01'),
  }: CertificateOptions = {},
): string {
  const signed = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([1])),
    SHA256_WITH_RSA,
    nameOf(issuer.name),
    der(SEQUENCE, timeOf(from), timeOf(until)),
    nameOf(subject.name),
    subject.keys.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, basicConstraints(isAuthority))),
  )
  const signature = sign('sha256', signed, issuer.keys.privateKey)
  const whole = der(SEQUENCE, signed, SHA256_WITH_RSA, der(BIT_STRING, Buffer.from([0]), signature))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

const [BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID, UTF8_STRING, UTC_TIME] = [
  0x01, 0x02, 0x03, 0x04, 0x06, 0x0c, 0x17,
]
const [SEQUENCE, SET] = [0x30, 0x31]

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const size = content.length
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}

/** 1.2.840.113549.1.1.11 with no parameters. */
const SHA256_WITH_RSA = der(SEQUENCE, der(OID, Buffer.from('2a864886f70d01010b', 'hex')), der(0x05))

function nameOf(name: string): Buffer {
  const commonName = der(
    SEQUENCE,
    der(OID, Buffer.from('550403', 'hex')),
    der(UTF8_STRING, Buffer.from(name)),
  )
  return der(SEQUENCE, der(SET, commonName))
}

function timeOf(moment: Date): Buffer {
  const digits = moment.toISOString().replace(/\D/g, '').slice(2, 14)
  return der(UTC_TIME, Buffer.from(`${digits}Z`))
}

function basicConstraints(isAuthority: boolean): Buffer {
  const yes = der(BOOLEAN, Buffer.from([0xff]))
  const value = der(SEQUENCE, ...(isAuthority ? [yes] : []))
  return der(SEQUENCE, der(OID, Buffer.from('551d13', 'hex')), yes, der(OCTET_STRING, value))
}
