import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ForwardedHeader } from '../../src/edge/forwarded-header.ts'
import { parseTrustedProxies, sourceAddress } from '../../src/edge/source-address.ts'
import { readAddress } from '../../src/integrations/address.ts'

const PROXY = '10.0.0.1'

function from(
  socketAddress: string | undefined,
  headers: Record<string, string | string[]>,
  trusted?: string[],
) {
  return (forwardedHeader: ForwardedHeader) => {
    const list = parseTrustedProxies(trusted ?? ['10.0.0.0/24', '2001:db8:aaaa::/48'])
    if ('errors' in list) throw new Error(list.errors.join())
    return sourceAddress({ socketAddress, header: (name) => headers[name] }, { ...list, forwardedHeader })
  }
}

const forwardedFor = (value: string | string[]) =>
  from(PROXY, { 'x-forwarded-for': value })('x-forwarded-for')
const forwarded = (value: string | string[]) => from(PROXY, { forwarded: value })('forwarded')
const realIp = (value: string | string[]) => from(PROXY, { 'x-real-ip': value })('x-real-ip')
const source = (address: string) => ({ address, forwarded: true })
const refused = { malformed: expect.any(String) }

describe('the socket', () => {
  test('counts when it is no trusted proxy, whatever the headers say', () => {
    const headers = {
      'x-forwarded-for': '203.0.113.5',
      forwarded: 'for=203.0.113.5',
      'x-real-ip': '203.0.113.5',
    }
    for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip'] as const)
      expect(from('198.51.100.9', headers)(header)).toEqual({ address: '198.51.100.9', forwarded: false })
  })

  test('counts when no proxy is trusted at all', () => {
    const answer = from('127.0.0.1', { 'x-forwarded-for': '203.0.113.5' }, [])('x-forwarded-for')
    expect(answer).toEqual({ address: '127.0.0.1', forwarded: false })
  })

  test('counts when the trusted proxy sends no such header, though it sends another', () => {
    const answer = from(PROXY, { 'x-forwarded-for': '203.0.113.5' })('x-real-ip')
    expect(answer).toEqual({ address: PROXY, forwarded: false })
  })

  test('is read in every form a socket has', () => {
    const plain = (text: string | undefined) => from(text, {})('x-forwarded-for')
    expect(plain('::ffff:203.0.113.5')).toEqual({ address: '203.0.113.5', forwarded: false })
    expect(plain('fe80::1%eth0')).toEqual({ address: 'fe80::1', forwarded: false })
    expect(plain('2001:0DB8:0:0:0:0:0:1')).toEqual({ address: '2001:db8::1', forwarded: false })
    expect(plain(undefined)).toEqual(refused)
    expect(plain('')).toEqual(refused)
  })

  test('in IPv4 is not trusted for an IPv6 network of the same number', () => {
    const answer = from(PROXY, { 'x-forwarded-for': '203.0.113.5' }, ['::a00:0/104'])('x-forwarded-for')
    expect(answer).toEqual({ address: PROXY, forwarded: false })
  })

  test('of a proxy is recognised when it comes as IPv4-mapped IPv6', () => {
    const answer = from(`::ffff:${PROXY}`, { 'x-forwarded-for': '203.0.113.5' })('x-forwarded-for')
    expect(answer).toEqual(source('203.0.113.5'))
  })
})

describe('X-Forwarded-For', () => {
  test.each([
    ['203.0.113.5', '203.0.113.5'],
    ['203.0.113.5:51234', '203.0.113.5'],
    ['2001:db8::5', '2001:db8::5'],
    ['[2001:DB8::5]', '2001:db8::5'],
    ['[2001:db8::5]:443', '2001:db8::5'],
    ['[::ffff:203.0.113.5]:443', '203.0.113.5'],
    ['::ffff:cb00:7105', '203.0.113.5'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%eth0]:80', 'fe80::1'],
    [' \t203.0.113.5\t ', '203.0.113.5'],
    ['::203.0.113.5', '::cb00:7105'],
  ])('%j is %s', (value, address) => {
    expect(forwardedFor(value)).toEqual(source(address))
  })

  test('is counted from the right, past trusted proxies', () => {
    expect(forwardedFor('6.6.6.6, 203.0.113.5, 10.0.0.7, 10.0.0.8')).toEqual(source('203.0.113.5'))
    expect(forwardedFor('6.6.6.6, 203.0.113.5, 2001:db8:aaaa::1')).toEqual(source('203.0.113.5'))
    expect(forwardedFor('6.6.6.6, 203.0.113.5')).toEqual(source('203.0.113.5'))
  })

  test('gives the leftmost address when all are trusted', () => {
    expect(forwardedFor('10.0.0.9, 10.0.0.8')).toEqual(source('10.0.0.9'))
  })

  test('may come in several lines', () => {
    expect(forwardedFor(['6.6.6.6', '203.0.113.5', '10.0.0.7'])).toEqual(source('203.0.113.5'))
  })

  test.each([
    'unknown',
    '',
    '6.6.6.6, ',
    '6.6.6.6, , 10.0.0.7',
    '6.6.6.6, 127.1',
    '6.6.6.6, 0177.0.0.1',
    '6.6.6.6, 0x7f.0.0.1',
    '6.6.6.6, 2130706433',
    '6.6.6.6, 203.0.113.05',
    '6.6.6.6, 203.0.113.5:99999',
    '6.6.6.6, 203.0.113.5:',
    '6.6.6.6, [203.0.113.5]',
    '6.6.6.6, [2001:db8::5',
    '6.6.6.6, 2001:db8::5]',
    '6.6.6.6, fe80::1%',
    '6.6.6.6, fe80::1%a b',
    '6.6.6.6, 203.0.113.5 7',
    '6.6.6.6 203.0.113.5',
    '6.6.6.6, 203.0.113.5\u00a0',
    '6.6.6.6, shopify.com',
    '6.6.6.6, unix:',
  ])('%j names no source: refused, and what stands further left is not taken', (value) => {
    expect(forwardedFor(value)).toEqual(refused)
  })

  test('may hold rubbish on the left of the source', () => {
    expect(forwardedFor('"rubbish, ,;=\\, 203.0.113.5, 10.0.0.7')).toEqual(source('203.0.113.5'))
  })

  test('is quoted in the reason, short and escaped', () => {
    const answer = forwardedFor(`\u001b[31m${'x'.repeat(5_000)}`)
    if (!('malformed' in answer)) throw new Error('should be malformed')
    expect(answer.malformed).toMatch(/^"\\u001b\[31mx+…" is not an address$/)
    expect(answer.malformed.length).toBeLessThan(120)
  })
})

describe('Forwarded', () => {
  test.each([
    ['for=203.0.113.5', '203.0.113.5'],
    ['For="203.0.113.5:4711"', '203.0.113.5'],
    ['FOR="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['for="[2001:db8:cafe::17]";proto=https;by=10.0.0.1', '2001:db8:cafe::17'],
    ['for="203.0.113.5:_gazonk"', '203.0.113.5'],
    ['proto=http ; for=203.0.113.5;', '203.0.113.5'],
    ['by=_a;for=203.0.113.5;host="a,b;for=6.6.6.6\\",for=6.6.6.6"', '203.0.113.5'],
    ['for="203\\.0.113.5"', '203.0.113.5'],
    ['host="\\\\";for=203.0.113.5', '203.0.113.5'],
    ['for=203.0.113.5:80', '203.0.113.5'],
    ['for=[2001:db8::5]:80', '2001:db8::5'],
    ['for=203.0.113.5, for=10.0.0.7', '203.0.113.5'],
    ['for=unknown, for=203.0.113.5', '203.0.113.5'],
    ['for=6.6.6.6, for=203.0.113.5;by=10.0.0.2, for="10.0.0.7:99"', '203.0.113.5'],
  ])('%s is %s', (value, address) => {
    expect(forwarded(value)).toEqual(source(address))
  })

  test('may come in several lines', () => {
    expect(forwarded(['for=6.6.6.6', 'for=203.0.113.5', 'for=10.0.0.7'])).toEqual(source('203.0.113.5'))
  })

  test.each([
    'for=unknown',
    'for=_hidden',
    'for="_SEVKISEK"',
    'proto=https',
    '',
    'for=',
    'for=6.6.6.6, ',
    'for=6.6.6.6, for=203.0.113.5;for=203.0.113.6',
    'for=6.6.6.6, for=127.1',
    'for=6.6.6.6, for = 203.0.113.5',
    'for=6.6.6.6, for="203.0.113.5',
    'for=6.6.6.6, for=203.0.113.5"',
    'for=6.6.6.6, for=203.0.113.5 proto=https',
    'for=6.6.6.6, 203.0.113.5',
  ])('%j names no source: refused', (value) => {
    expect(forwarded(value)).toEqual(refused)
  })

  test("cannot be captured by a stranger's open quote", () => {
    expect(forwarded('for="6.6.6.6, for=203.0.113.5;host="shop.example"')).toEqual(source('203.0.113.5'))
    expect(forwarded('for=6.6.6.6;x="\\, for=203.0.113.5;host="shop.example"')).toEqual(source('203.0.113.5'))
  })
})

describe('X-Real-IP', () => {
  test('holds one address', () => {
    expect(realIp('203.0.113.5')).toEqual(source('203.0.113.5'))
    expect(realIp('10.0.0.7')).toEqual(source('10.0.0.7'))
  })

  test('with two values is refused, because nobody can say which one the proxy wrote', () => {
    expect(realIp('6.6.6.6, 203.0.113.5')).toEqual(refused)
    expect(realIp(['203.0.113.5', '6.6.6.6'])).toEqual(refused)
    expect(realIp('')).toEqual(refused)
  })
})

describe('trusted proxies', () => {
  test('are addresses and CIDRs; every fault names its entry', () => {
    expect(parseTrustedProxies(['10.0.0.1', 'fd00::/8'])).toMatchObject({ warnings: [] })
    expect(parseTrustedProxies(['10.0.0.0/33', 'proxy.example', '127.1', '10.0.0.1'])).toEqual({
      errors: [
        '"10.0.0.0/33" has a prefix that is not a number from 0 to 32',
        '"proxy.example" is not an IPv4 address in four decimal parts and not an IPv6 address',
        '"127.1" is not an IPv4 address in four decimal parts and not an IPv6 address',
      ],
    })
  })

  test('cannot be everybody', () => {
    expect(parseTrustedProxies(['0.0.0.0/0', '::/0'])).toEqual({
      errors: ['"0.0.0.0/0" would trust everybody', '"::/0" would trust everybody'],
    })
  })

  test('with bits beyond the prefix are masked, with a warning', () => {
    expect(parseTrustedProxies(['10.0.0.7/24'])).toMatchObject({
      proxies: [{ text: '10.0.0.0/24' }],
      warnings: ['"10.0.0.7/24" has bits beyond its prefix; read as 10.0.0.0/24'],
    })
  })
})

describe('for any input', () => {
  const headers = fc.constantFrom<ForwardedHeader>('x-forwarded-for', 'forwarded', 'x-real-ip')
  const outsider = fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => {
    const canonical = readAddress(text)?.text ?? ''
    return canonical !== '' && !canonical.startsWith('10.0.0.') && !canonical.startsWith('2001:db8:aaaa')
  })
  /** Text in which the characters that mean something are likely. */
  const hostile = fc
    .array(
      fc.oneof(
        fc.constantFrom('"', '\\', ',', ';', '=', ' ', '\t', '[', ']', ':', '%', 'for=', 'For="', '6.6.6.6'),
        fc.ipV4(),
        fc.ipV6(),
        fc.string({ maxLength: 4 }),
      ),
      { maxLength: 30 },
    )
    .map((parts) => parts.join(''))

  test('the answer is a canonical address or malformed, never an exception', () => {
    fc.assert(
      fc.property(headers, hostile, fc.oneof(hostile, fc.constant(PROXY)), (header, value, socket) => {
        const answer = from(socket, { [header]: value })(header)
        if ('malformed' in answer) return answer.malformed.length > 0
        return readAddress(answer.address)?.text === answer.address
      }),
      { numRuns: 2_000 },
    )
  })

  test("a stranger's left-hand entries never change the result", () => {
    const trusted = fc.array(fc.constantFrom('10.0.0.7', '10.0.0.200', '2001:db8:aaaa::9'), { maxLength: 3 })
    fc.assert(
      fc.property(hostile, outsider, trusted, (left, address, proxies) => {
        const chain = [address, ...proxies]
        const expected = source(readAddress(address)?.text ?? '')
        expect(forwardedFor(`${left}, ${chain.join(', ')}`)).toEqual(expected)
        const elements = chain.map((hop) => `for="${hop.includes(':') ? `[${hop}]` : hop}";host="a,\\"b\\\\"`)
        expect(forwarded(`${left}, ${elements.join(', ')}`)).toEqual(expected)
        expect(forwarded([left, ...elements])).toEqual(expected)
      }),
      { numRuns: 2_000 },
    )
  })

  test('an address is read exactly when Node reads it, and as the same address', () => {
    const texts = fc.oneof(fc.ipV4(), fc.ipV4Extended(), fc.ipV6(), fc.string({ maxLength: 12 }))
    fc.assert(
      fc.property(texts, (text) => {
        const read = readAddress(text)
        expect(read !== undefined).toBe(isIPv4(text) || isIPv6(text))
        if (read?.family === 6) {
          const address = new SocketAddress({ address: text, family: 'ipv6' }).address
          expect(readAddress(address)?.value).toBe(read.value)
          // Node writes ::1.2.3.4 with a dotted tail; all other forms are the same text.
          if (!address.includes('.')) expect(read.text).toBe(address)
        }
      }),
      { numRuns: 3_000 },
    )
  })
})
