import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { readCertificateHeader } from '../../src/edge/certificate-header.ts'
import { isSameSubject, readSubject, subjectText } from '../../src/integrations/certificate-subject.ts'
import { filled, HEADER_BYTES_MAX, promised, target } from '../target.ts'

const CERTIFICATES = path.join(import.meta.dirname, '../../test/world/certs')

export const certificate = target({
  name: 'certificate',
  reads: 'the header in which a proxy hands on a client certificate, or a subject',
  promise:
    'a certificate with the fingerprint that it names, or a fault; a subject written as text is read as the same ' +
    'subject',
  seeds: [...pems().flatMap(formsOf), 'CN=shop.example,O=Shop\\, Inc.,C=NL', 'CN=a\\C3\\A9+OU=b,O=\\#x\\20'],
  words: [
    ':',
    '%0A',
    '%20',
    '-----BEGIN CERTIFICATE-----',
    'Hash=',
    'Cert="',
    'Subject="',
    'CN=',
    ',',
    ';',
    '+',
    '\\',
    '\\2C',
    '"',
    '=',
  ],
  bytesMax: HEADER_BYTES_MAX,
  long: {
    'one base64': (bytes) => filled(bytes, 'A'),
    'base64 of RFC 9440 that does not end': (bytes) => filled(bytes, 'A', ':'),
    escapes: (bytes) => filled(bytes, '%0A', '-----BEGIN CERTIFICATE-----'),
    'blanks of a PEM': (bytes) =>
      filled(bytes, ' ', '-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----'),
    'elements of Envoy': (bytes) => filled(bytes, 'Hash=a,'),
    'fields of Envoy': (bytes) => filled(bytes, 'URI=a;', 'Hash=a;'),
    'a subject of Envoy': (bytes) => filled(bytes, '\\"', 'Hash=a;Subject="', '"'),
    'attributes of a subject': (bytes) => filled(bytes, 'CN=a,'),
    'blanks of a subject': (bytes) => filled(bytes, ' ', 'CN=a', 'b'),
    'escapes of a subject': (bytes) => filled(bytes, '\\2C', 'CN='),
  },
  read(input) {
    const text = input.toString('latin1')
    return { reading: readCertificateHeader(text), subject: readSubject(text) }
  },
  judge(_input, { reading, subject }) {
    if ('fault' in reading) promised(reading.fault.length < 150, 'a fault is short')
    else promised(/^[0-9a-f]{64}$/.test(reading.fingerprint), 'a certificate has a fingerprint')
    if (!subject) return
    const again = readSubject(subjectText(subject))
    promised(again !== undefined && isSameSubject(again, subject), 'a subject is read as it was written')
  },
})

function pems(): string[] {
  const files = readdirSync(CERTIFICATES).filter((file) => file.endsWith('cert.pem'))
  return files.toSorted().map((file) => readFileSync(path.join(CERTIFICATES, file), 'utf8'))
}

/** As nginx, Apache, RFC 9440 and Envoy hand on the same certificate. */
function formsOf(pem: string): string[] {
  const base64 = pem.replace(/-----[A-Z ]+-----|\s/g, '')
  const escaped = encodeURIComponent(pem)
  return [
    escaped,
    pem.replaceAll('\n', ' '),
    `:${base64}:`,
    base64,
    `Hash=${'0'.repeat(64)};Subject="CN=a,O=\\"b\\"";URI=x`,
    `By=x;Cert="${escaped}";Subject="";URI=,By=y;Cert="${escaped}"`,
  ]
}
