import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  commonNameOf,
  isSameSubject,
  looksLikeSubject,
  readSubject,
  readSubjectLines,
  subjectText,
} from '../../src/integrations/certificate-subject.ts'
import { definitionSchema } from '../../src/integrations/definition.ts'
import { anyText } from '../world/any-text.ts'
import { type Subject, subjectLinesOf } from '../world/certificates.ts'

/** As it is read from a real certificate. */
function shown(subject: Subject) {
  return readSubjectLines(subjectLinesOf(subject))
}

function same(one: string, other: Subject): boolean {
  const [written, read] = [readSubject(one), shown(other)]
  return written !== undefined && read !== undefined && isSameSubject(written, read)
}

const attribute = fc.tuple(
  fc.constantFrom('CN', 'O', 'OU', 'emailAddress', '1.3.6.1.4.1.99999.7'),
  anyText({ minLength: 1, maxLength: 20 }).filter((text) => text.isWellFormed()),
)
const subjects = fc.array(fc.array(attribute, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 })

describe('the subject of a certificate', () => {
  test('is read as its attributes, whatever stands in them', () => {
    fc.assert(
      fc.property(subjects, (subject) => {
        const attributes = subject.map((name) => name.map(([type, value]) => ({ type, value }))).toReversed()
        expect(shown(subject)).toEqual(attributes)
      }),
      { numRuns: 300 },
    )
  })

  test('is told in a text that reads as the same subject, and as no other', () => {
    fc.assert(
      fc.property(subjects, subjects, (subject, other) => {
        const text = subjectText(shown(subject) ?? [])
        expect(same(text, subject)).toBe(true)
        expect(same(text, other)).toBe(subjectText(shown(other) ?? []) === text)
      }),
      { numRuns: 300 },
    )
  })

  test('is written as openssl x509 -nameopt RFC2253 prints it', () => {
    // Made with OpenSSL 3.0: C=NL, O="Shop, Inc." + OU="a+b", CN="Müller \ Söhne ".
    const printed = 'CN=M\\C3\\BCller \\\\ S\\C3\\B6hne\\ ,OU=a\\+b+O=Shop\\, Inc.,C=NL'
    const subject: Subject = [
      [['C', 'NL']],
      [
        ['O', 'Shop, Inc.'],
        ['OU', 'a+b'],
      ],
      [['CN', 'Müller \\ Söhne ']],
    ]
    expect(same(printed, subject)).toBe(true)
    expect(subjectText(shown(subject) ?? [])).toBe('CN=Müller \\\\ Söhne\\ ,O=Shop\\, Inc.+OU=a\\+b,C=NL')
  })

  test.each([
    ['blanks around the marks', 'CN = good , O = x'],
    ['types in lower case', 'cn=good,o=x'],
    ['an escape that was not needed', 'CN=g\\6fod,O=\\78'],
  ])('may be written with %s', (_what, text) => {
    expect(same(text, [[['O', 'x']], [['CN', 'good']]])).toBe(true)
  })

  test.each<[string, Subject]>([
    ['all in the common name', [[['CN', 'good,O=x']]]],
    ['all in the common name, with a plus', [[['CN', 'good+O=x']]]],
    ['all in the common name, with an escape', [[['CN', 'good\\,O=x']]]],
    ['a line end in the common name', [[['CN', 'good\nO=x']]]],
    ['a line end in the organisation', [[['O', 'x\nCN=good']]]],
    ['in another order', [[['CN', 'good']], [['O', 'x']]]],
    [
      'in one relative name',
      [
        [
          ['CN', 'good'],
          ['O', 'x'],
        ],
      ],
    ],
    ['with more in front', [[['C', 'NL']], [['O', 'x']], [['CN', 'good']]]],
    ['with more behind', [[['O', 'x']], [['CN', 'good']], [['OU', 'y']]]],
    ['with a NUL', [[['O', 'x']], [['CN', 'good\0']]]],
    ['with a blank', [[['O', 'x']], [['CN', 'good ']]]],
    ['in other letters', [[['O', 'x']], [['CN', 'Good']]]],
    ['in letters that look alike', [[['O', 'x']], [['CN', 'gооd']]]],
    ['with nothing', []],
  ])('is not taken for CN=good,O=x when it says so %s', (_how, subject) => {
    expect(same('CN=good,O=x', subject)).toBe(false)
  })

  test('in another type of string says the same', () => {
    expect(same('CN=good', [[['CN', { tag: 0x1e, bytes: Buffer.from('good', 'utf16le').swap16() }]]])).toBe(
      true,
    )
    expect(same('CN=good', [[['CN', { tag: 0x13, bytes: Buffer.from('good') }]]])).toBe(true)
  })
})

describe('the common name', () => {
  test.each<[string, Subject, string | undefined]>([
    ['is the one there is', [[['O', 'x']], [['CN', 'shop, inc']]], 'shop, inc'],
    ['is none when there is none', [[['O', 'x']]], undefined],
    ['is none when there are two', [[['CN', 'good']], [['CN', 'bad']]], undefined],
    [
      'is none when there are two in one relative name',
      [
        [
          ['CN', 'good'],
          ['CN', 'bad'],
        ],
      ],
      undefined,
    ],
    ['is none when it stands there twice', [[['CN', 'good']], [['CN', 'good']]], undefined],
  ])('%s', (_what, subject, commonName) => {
    expect(commonNameOf(shown(subject) ?? [])).toBe(commonName)
  })
})

describe('a text that is no subject', () => {
  test.each([
    'good',
    '',
    '=good',
    'CN',
    'CN=a,',
    ',CN=a',
    'CN=a,,O=b',
    'CN=a+',
    'CN=a\\',
    'CN=a\\x',
    'CN=a"b"',
    'CN="a,O=b"',
    'CN=a;O=b',
    'CN=<a>',
    'CN=#0c0161',
    'CN=\\ff',
    'CN=\\ed\\a0\\80',
    'C N=a',
    'Ç=a',
    '/C=NL/CN=good',
  ])('%j is not read as one', (text) => {
    expect(readSubject(text)).toBeUndefined()
  })

  test('is never a reason to throw', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        expect(() => [readSubject(text), readSubjectLines(text), looksLikeSubject(text)]).not.toThrow()
      }),
    )
  })

  test('may be large and full of blanks and backslashes without taking long', () => {
    for (const text of [
      ' '.repeat(100_000),
      '\\'.repeat(100_000),
      '\\ '.repeat(50_000),
      'CN=a+'.repeat(20_000),
    ])
      expect(readSubject(`CN=${text}"`)).toBeUndefined()
  })
})

test('a definition names common names, and subjects that can be read', () => {
  const clientCertificateOf = (subject: string) =>
    definitionSchema.safeParse({
      clientCertificate: { subjects: [subject] },
      nodes: [{ id: 'keep', kind: 'transform' }],
    })
  for (const subject of ['good', 'Shop, Inc.', 'CN=good', 'CN=good,O=Shop\\, Inc.', '2.5.4.3=good'])
    expect([subject, clientCertificateOf(subject).success]).toEqual([subject, true])
  for (const subject of ['CN=good,O', 'CN="good"', 'CN=#0c0161'])
    expect(clientCertificateOf(subject).error?.issues).toEqual([
      expect.objectContaining({
        path: ['clientCertificate', 'subjects', 0],
        message: expect.stringMatching(/^cannot be read as a subject; write it as openssl/),
      }),
    ])
})
