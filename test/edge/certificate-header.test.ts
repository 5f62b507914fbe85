import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readCertificateHeader } from '../../src/edge/certificate-header.ts'
import { anyText } from '../world/any-text.ts'
import { makeCertificate, pem, type Subject } from '../world/certificates.ts'

const SUBJECT: Subject = [[['O', 'Shop, Inc.']], [['CN', 'shop.example']]]
const shop = makeCertificate({ subject: SUBJECT })
const other = makeCertificate({ subject: [[['CN', 'other.example']]] })
const base64 = shop.der.toString('base64')
const escaped = encodeURIComponent(shop.cert)
const read = {
  fingerprint: shop.fingerprint,
  subject: 'CN=shop.example,O=Shop\\, Inc.',
  commonName: 'shop.example',
  validity: { from: new Date('2020-01-01'), to: new Date('2120-01-01') },
}
const byHash = { ...read, validity: undefined }
const fault = { fault: expect.any(String) }
const hash = `Hash=${shop.fingerprint}`
const subject = 'Subject="CN=shop.example,O=Shop\\, Inc."'

describe('a certificate is read', () => {
  test.each([
    ['from Client-Cert of RFC 9440', `:${base64}:`],
    ['from base64', base64],
    ['from base64 without its padding', base64.replace(/=+$/, '')],
    ['from the URL-escaped PEM of nginx', escaped],
    [
      'from a PEM of which +, / and = are not escaped',
      escaped.replace(/%2B/g, '+').replace(/%2F/g, '/').replace(/%3D/g, '='),
    ],
    ['from the PEM of Apache, with blanks for line ends', shop.cert.trim().replaceAll('\n', ' ')],
    ['with blanks around it', ` \t${base64} `],
    ['from Cert of Envoy', `By=spiffe://a/b;${hash};Cert="${escaped}";Chain="${escaped}";URI=spiffe://c/d`],
    ['from Cert alone', `Cert="${escaped}"`],
    ['from the last element of Envoy', `Cert="${encodeURIComponent(other.cert)}",Cert="${escaped}"`],
    ['behind what the client typed', `Subject="unclosed,Cert="${escaped}"`],
  ])('%s', (_form, value) => {
    expect(readCertificateHeader(value)).toEqual(read)
  })

  test.each([
    ['Hash and Subject', `By=spiffe://a;${hash};${subject};URI=;DNS=a.example;DNS=b.example`],
    [
      'names in other letters',
      `HASH=${shop.fingerprint.toUpperCase()};subject="CN=shop.example,O=Shop\\, Inc."`,
    ],
    ['a name of the proxy that Envoy does not quote', `By=urn:a(b;None;c="d");${hash};${subject}`],
    ['the last element', `Hash=${other.fingerprint};Subject="CN=other.example",By=x;${hash};${subject}`],
  ])('as Envoy tells of it without Cert: by %s', (_form, value) => {
    expect(readCertificateHeader(value)).toEqual(byHash)
  })

  test.each<[string, string, string | undefined]>([
    ['CN=a\\"b', 'CN=a\\"b', 'a"b'],
    ['CN=good\\,O=x', 'CN=good\\,O=x', 'good,O=x'],
    ['CN=a;Hash=b', '', undefined],
    ['CN=ends with a backslash\\\\', 'CN=ends with a backslash\\\\', 'ends with a backslash\\'],
    ['CN=M\\C3\\BCller', 'CN=Müller', 'Müller'],
    ['', '', undefined],
    // As the examples in Envoy's documentation look; it cannot be told where an attribute ends.
    ['/C=US/O=Lyft/CN=Test Client', '', undefined],
  ])('from Envoy with the subject %j', (written, text, commonName) => {
    const answer = readCertificateHeader(`${hash};Subject="${written}";URI=spiffe://a`)
    expect(answer).toEqual({ fingerprint: shop.fingerprint, subject: text, commonName, validity: undefined })
  })
})

describe('a fault is', () => {
  test.each([
    ['nothing', ''],
    ['blanks', '  '],
    ['what Apache writes for none', '(null)'],
    ['text', 'CN=shop.example'],
    ['a certificate and a comma', `${base64},`],
    ['two certificates', `${base64}, ${base64}`],
    ['two certificates of RFC 9440', `:${base64}:, :${base64}:`],
    ['two certificates in one PEM', encodeURIComponent(shop.cert + other.cert)],
    ['a colon too few', `:${base64}`],
    ['a colon too many', `::${base64}:`],
    ['nothing between colons', '::'],
    ['base64 for URLs', shop.der.toString('base64url').replace(/[^-_]/, '-')],
    ['base64 that is cut off', base64.slice(0, -40)],
    ['base64 with a blank in it', `${base64.slice(0, 40)} ${base64.slice(40)}`],
    ['base64 of more than the certificate', Buffer.concat([shop.der, Buffer.of(0)]).toString('base64')],
    ['base64 of PEM', Buffer.from(shop.cert).toString('base64')],
    ['PEM of something else', encodeURIComponent(shop.key)],
    ['PEM with text before it', encodeURIComponent(`x${shop.cert}`)],
    ['PEM with text behind it', encodeURIComponent(`${shop.cert}x`)],
    ['PEM of no DER', encodeURIComponent(pem(Buffer.from('nonsense')))],
    ['a broken escape', `${escaped.slice(0, 200)}%zz`],
    ['an escape of no UTF-8', '%ff'],
    ['a hash that is too short', 'Hash=abc'],
    ['an empty hash', `Hash=;${subject}`],
    ['no hash', subject],
    ['a last element without one', `${hash};${subject},By=spiffe://a`],
    ['two hashes', `${hash};Hash=${other.fingerprint}`],
    ['two subjects', `${hash};${subject};Subject="CN=other"`],
    ['two certificates in one element', `Cert="${escaped}";Cert="${escaped}"`],
    ['a hash of another certificate', `Hash=${other.fingerprint};Cert="${escaped}"`],
    ['an empty Cert beside a hash', `${hash};Cert=""`],
    ['an unclosed quote', `${hash};Subject="CN=shop.example`],
    ['a quote in the middle', `${hash};Subject=CN="shop.example"`],
    ['a hash within another field', `${hash};DNS=x;Hash=${other.fingerprint}`],
  ])('%s', (_what, value) => {
    expect(readCertificateHeader(value)).toEqual(fault)
  })

  test('and nothing is thrown, whatever is written', () => {
    const forms = fc.constantFrom(base64, escaped, `:${base64}:`, `${hash};${subject}`, `Cert="${escaped}"`)
    const spoilt = fc.tuple(forms, fc.nat(2_000), fc.nat(10), fc.string()).map(([form, at, length, text]) => {
      return form.slice(0, at) + text + form.slice(at + length)
    })
    fc.assert(
      fc.property(fc.oneof(fc.string(), anyText(), spoilt), (value) => {
        const answer = readCertificateHeader(value)
        expect(answer).toEqual(
          'fault' in answer ? fault : expect.objectContaining({ fingerprint: expect.any(String) }),
        )
      }),
      { numRuns: 2_000 },
    )
  })

  test('a signature that was changed makes another fingerprint', () => {
    const changed = Buffer.from(shop.der)
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    expect(readCertificateHeader(changed.toString('base64'))).toEqual({
      ...read,
      fingerprint: expect.not.stringMatching(shop.fingerprint),
    })
  })
})
