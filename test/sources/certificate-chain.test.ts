import { beforeAll, describe, expect, test } from 'vitest'
import { chainFault, readCertificates } from '../../src/sources/schemes/certificate-chain.ts'
import { certificateOf, type Holder, rsaKeys } from './certificates.ts'

const AT = new Date('2026-06-01')

let root: Holder
let middle: Holder
let leaf: Holder
let stranger: Holder
let rootPem: string
let middlePem: string
let leafPem: string

beforeAll(() => {
  root = { name: 'Root', keys: rsaKeys() }
  middle = { name: 'Middle', keys: rsaKeys() }
  leaf = { name: 'leaf.example.com', keys: rsaKeys() }
  stranger = { name: 'Root', keys: rsaKeys() }
  rootPem = certificateOf(root, root, { isAuthority: true })
  middlePem = certificateOf(middle, root, { isAuthority: true })
  leafPem = certificateOf(leaf, middle)
})

function fault(pem: string, roots: string[], at = AT): string | undefined {
  const certificates = readCertificates(pem)
  if (!certificates) throw new Error('no certificates')
  return chainFault(certificates, roots, at)
}

describe('a chain is believed', () => {
  test('that leads through an intermediate certificate to a root', () => {
    expect(fault(leafPem + middlePem, [rootPem])).toBeUndefined()
  })

  test('whose certificates stand in any order behind the first, with others among them', () => {
    const other = certificateOf(stranger, stranger, { isAuthority: true })
    expect(fault(leafPem + other + rootPem + middlePem, [rootPem])).toBeUndefined()
  })

  test('that is a root itself', () => {
    expect(fault(rootPem, [rootPem])).toBeUndefined()
  })

  test('that leads past an issuer that has run out to another of the same key', () => {
    const old = certificateOf(middle, root, { isAuthority: true, until: new Date('2025-01-01') })
    expect(fault(leafPem + old + middlePem, [rootPem])).toBeUndefined()
  })
})

describe('a chain is not believed', () => {
  const NO_ROOT = 'the chain of the certificate ends in no known root'

  test('without the intermediate certificate', () => {
    expect(fault(leafPem, [rootPem])).toBe(NO_ROOT)
  })

  test('without a root, however complete it is', () => {
    expect(fault(leafPem + middlePem + rootPem, [])).toBe(NO_ROOT)
  })

  test('when another has only taken the name of the root', () => {
    const forgedMiddle = certificateOf(middle, stranger, { isAuthority: true })
    expect(fault(leafPem + forgedMiddle, [rootPem])).toBe(NO_ROOT)
    const forgedRoot = certificateOf(stranger, stranger, { isAuthority: true })
    expect(fault(forgedRoot, [rootPem])).toBe(NO_ROOT)
  })

  test('when one that is no authority has issued the next', () => {
    const plain = certificateOf(middle, root)
    expect(fault(leafPem + plain, [rootPem])).toBe(NO_ROOT)
  })

  test('before and after the first certificate is valid', () => {
    const brief = { from: new Date('2026-01-01'), until: new Date('2026-02-01') }
    const pem = certificateOf(leaf, middle, brief) + middlePem
    expect(fault(pem, [rootPem], new Date('2026-01-15'))).toBeUndefined()
    expect(fault(pem, [rootPem], new Date('2025-12-31'))).toContain('is valid from')
    expect(fault(pem, [rootPem], new Date('2026-02-02'))).toContain('is valid from')
  })

  test('when the intermediate certificate or the root has run out', () => {
    const past = { isAuthority: true, until: new Date('2026-05-01') }
    expect(fault(leafPem + certificateOf(middle, root, past), [rootPem])).toBe(NO_ROOT)
    expect(fault(leafPem + middlePem, [certificateOf(root, root, past)])).toBe(NO_ROOT)
  })
})

describe('a text has no certificates', () => {
  test.each([
    ['that is something else', '<html>not found</html>'],
    ['that is empty', ''],
    ['of which one is broken', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'],
  ])('%s', (_which, text) => {
    expect(readCertificates(text)).toBeUndefined()
  })

  test('that has more than ten', () => {
    expect(readCertificates(rootPem.repeat(10))).toHaveLength(10)
    expect(readCertificates(rootPem.repeat(11))).toBeUndefined()
  })
})
