import { describe, expect, test } from 'vitest'
import { createAllowed, parseHostPort } from '../../src/outbound/allowed.ts'
import { admit } from '../../src/outbound/guard.ts'
import { readTarget } from '../../src/outbound/target.ts'

const PUBLIC = '93.184.216.34'

async function admitted(url: string, addresses: string[] = [PUBLIC], allowed: string[] = []) {
  const target = readTarget(url)
  if (typeof target === 'string') return 'bad_url'
  const entries = allowed.map((text) => {
    const entry = parseHostPort(text)
    if (typeof entry === 'string') throw new Error(entry)
    return entry
  })
  const result = await admit(target, {
    allowed: createAllowed(entries),
    resolver: async () => addresses,
  })
  return Array.isArray(result) ? result.map(({ address }) => address) : result.reason
}

describe('every spelling of an address inside is refused', () => {
  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://127.0.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://017700000001/',
    'http://127.0.0.1./',
    'http://0/',
    'http://0.0.0.0/',
    'http://10.1/',
    'http://0xa9fea9fe/',
    'http://2852039166/',
    'http://169.254.169.254/',
    'http://0251.0376.0251.0376/',
    'http://①②⑦.⓪.⓪.①/',
    'http://１２７.０.０.１/',
    'http://127。0。0。1/',
    'http://%31%32%37.0.0.1/',
    'http://[::1]/',
    'http://[0:0:0:0:0:0:0:1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::127.0.0.1]/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[::]/',
    'http://192.168.1.1:8080/',
    'http:127.0.0.1',
    'http:\\\\127.0.0.1\\',
    'http:///127.0.0.1/',
    'HTTP://127.0.0.1/',
    'http://localhost/',
    'http://LOCALHOST/',
    'http://localhost./',
    'http://a.localhost/',
    'http://ｌocalhost/',
    'https://localhost:443/',
    'http://localhost.localdomain/',
    'http://ip6-localhost/',
    'http://localhost6/',
  ])('%s', async (url) => {
    expect(await admitted(url)).toBe('blocked_address')
  })
})

describe('what is no plain http(s) URL is refused before anything is looked up', () => {
  test.each([
    '',
    'example.com',
    '//example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'gopher://example.com/',
    'javascript:alert(1)',
    'http://',
    'http://user@example.com/',
    'http://user:pw@example.com/',
    'http://example.com@127.0.0.1/',
    'http://exam\nple.com/',
    'http://exa\tmple.com/',
    ' http://example.com/',
    'http://example.com/a b',
    'http://example.com:0/',
    'http://example.com:99999/',
    'http://[fe80::1%25eth0]/',
    'http://[::1%lo]/',
    'http://a..b/',
    'http://.example.com/',
    'http://example.com../',
    'http://256.1.1.1/',
    'http://1.2.3.4.5/',
    'http://0x7f.1.1.1.1/',
    'http://127.0.0.1\u0000.example.com/',
    `http://${'a'.repeat(254)}.com/`,
    `http://example.com/${'a'.repeat(20_000)}`,
  ])('%j', async (url) => {
    expect(await admitted(url)).toBe('bad_url')
  })
})

describe('a name', () => {
  test('with public addresses passes with exactly these', async () => {
    expect(await admitted('https://example.com/', [PUBLIC, '2606:4700:4700::1111', PUBLIC])).toEqual([
      PUBLIC,
      '2606:4700:4700::1111',
    ])
  })

  test('with one address inside among public ones is refused as a whole, in any order', async () => {
    expect(await admitted('https://example.com/', [PUBLIC, '10.0.0.1'])).toBe('blocked_address')
    expect(await admitted('https://example.com/', ['::1', PUBLIC])).toBe('blocked_address')
  })

  test('with none, or with something that is no address, is refused', async () => {
    expect(await admitted('https://example.com/', [])).toBe('dns')
    expect(await admitted('https://example.com/', ['example.org'])).toBe('blocked_address')
  })

  test('with very many addresses leads to a few of them', async () => {
    const many = Array.from({ length: 200 }, (_, at) => `93.184.216.${at}`)
    expect(await admitted('https://example.com/', many)).toHaveLength(8)
  })
})

describe('what the operator allowed', () => {
  test('is met by exactly that host and port', async () => {
    const allowed = ['127.0.0.1:9000', 'erp.internal:8443', '[fd00::5]:80']
    expect(await admitted('http://127.0.0.1:9000/', [], allowed)).toEqual(['127.0.0.1'])
    expect(await admitted('http://0x7f.1:9000/', [], allowed)).toEqual(['127.0.0.1'])
    expect(await admitted('http://127.0.0.1:9001/', [], allowed)).toBe('blocked_address')
    expect(await admitted('http://127.0.0.1/', [], allowed)).toBe('blocked_address')
    expect(await admitted('http://127.0.0.2:9000/', [], allowed)).toBe('blocked_address')
    expect(await admitted('http://[::ffff:127.0.0.1]:9000/', [], allowed)).toBe('blocked_address')
    expect(await admitted('http://[fd00:0::5]/', [], allowed)).toEqual(['fd00::5'])
    expect(await admitted('https://ERP.internal.:8443/', ['10.0.0.9'], allowed)).toEqual(['10.0.0.9'])
    expect(await admitted('https://erp.internal/', ['10.0.0.9'], allowed)).toBe('blocked_address')
    expect(await admitted('https://x.erp.internal:8443/', ['10.0.0.9'], allowed)).toBe('blocked_address')
    expect(await admitted('https://other.internal:9000/', ['127.0.0.1'], allowed)).toBe('blocked_address')
  })

  test('as a name opens the way inside, but not to metadata, link-local or reserved addresses', async () => {
    for (const address of [
      '169.254.169.254',
      'fe80::1',
      '0.0.0.0',
      '224.0.0.1',
      '100.100.100.200',
      'fd00:ec2::254',
    ])
      expect(await admitted('http://erp.internal:80/', [address], ['erp.internal:80'])).toBe(
        'blocked_address',
      )
  })

  test('as an address opens exactly that address', async () => {
    expect(await admitted('http://169.254.1.1/', [], ['169.254.1.1:80'])).toEqual(['169.254.1.1'])
  })

  test('may be localhost by name', async () => {
    expect(await admitted('http://localhost:3000/', ['127.0.0.1', '::1'], ['localhost:3000'])).toEqual([
      '127.0.0.1',
      '::1',
    ])
  })

  test.each([
    '',
    'example.com',
    '*:80',
    '*.example.com:80',
    'http://a:80',
    'a:0',
    'a:65536',
    'a:b',
    '::1:80',
    'a b:80',
    'a/b:80',
    'u@a:80',
    '10.0.0.0/8:80',
  ])('cannot be written as %j', (text) => {
    expect(parseHostPort(text)).toEqual(expect.any(String))
  })
})
