import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  allowsAddress,
  type CompiledAllowlist,
  compileAllowlist,
  domainsOf,
  parseAllowlist,
} from '../../src/integrations/allowlist.ts'
import { processorMs } from '../world/processor-ms.ts'

function compiled(...sources: (string | string[])[]) {
  return compileAllowlist(
    sources.map((source) => {
      const reading = parseAllowlist(source)
      if ('errors' in reading) throw new Error(reading.errors.join('\n'))
      return reading.allowlist
    }),
  )
}

function allows(list: string | string[], address: string) {
  return allowsAddress(compiled(list), address)
}

describe('an allowlist', () => {
  test("is read as Retrieve's example shows it", () => {
    const list = compiled('shopify.com,203.0.113.0,198.51.100.0/24,2001:db8::/32')
    expect(domainsOf(list)).toEqual(['shopify.com'])
    expect(allowsAddress(list, '203.0.113.0')).toBe(true)
    expect(allowsAddress(list, '203.0.113.1')).toBe(false)
    expect(allowsAddress(list, '198.51.100.255')).toBe(true)
    expect(allowsAddress(list, '198.51.101.0')).toBe(false)
    expect(allowsAddress(list, '2001:db8:ffff::1')).toBe(true)
    expect(allowsAddress(list, '2001:db9::1')).toBe(false)
  })

  test('separates entries by commas, blanks and line ends, or is a list', () => {
    const one = compiled('shopify.com, 203.0.113.7\n\t198.51.100.0/24 ,, example.org\r\n')
    expect(compiled(['shopify.com', '203.0.113.7', '198.51.100.0/24', 'example.org'])).toEqual(one)
    expect(domainsOf(one)).toEqual(['shopify.com', 'example.org'])
  })

  test('that is empty lets nobody in', () => {
    for (const list of [compiled(), compiled(''), compiled(' ,\n'), compiled([])]) {
      expect(allowsAddress(list, '203.0.113.0')).toBe(false)
      expect(allowsAddress(list, '127.0.0.1')).toBe(false)
      expect(allowsAddress(list, '::1')).toBe(false)
    }
  })

  test('lets everybody in only when * is written out', () => {
    expect(allows('*', '203.0.113.5')).toBe(true)
    expect(allows('*', '2001:db8::1')).toBe(true)
    expect(allows('*', 'no address')).toBe(false)
    expect(allows('0.0.0.0/0', '203.0.113.5')).toBe(true)
    expect(allows('0.0.0.0/0', '2001:db8::1')).toBe(false)
    expect(allows('::/0', '203.0.113.5')).toBe(false)
  })

  test('is the union of several', () => {
    const list = compiled('203.0.113.1, a.example', '198.51.100.0/24', [
      '203.0.113.1',
      'b.example',
      'a.example',
    ])
    expect(allowsAddress(list, '203.0.113.1')).toBe(true)
    expect(allowsAddress(list, '198.51.100.3')).toBe(true)
    expect(domainsOf(list)).toEqual(['a.example', 'b.example'])
    expect(allowsAddress(compiled('203.0.113.1', '*'), '6.6.6.6')).toBe(true)
  })

  test('knows an address in each of its spellings', () => {
    expect(allows('203.0.113.5', '::ffff:203.0.113.5')).toBe(true)
    expect(allows('203.0.113.0/24', '::ffff:cb00:7105')).toBe(true)
    expect(allows('::ffff:203.0.113.5', '203.0.113.5')).toBe(true)
    expect(allows('::ffff:203.0.113.0/120', '203.0.113.77')).toBe(true)
    expect(allows('::ffff:203.0.113.0/120', '203.0.114.77')).toBe(false)
    expect(allows('fe80::/10', 'fe80::1%eth0')).toBe(true)
    expect(allows('2001:DB8:0::1', '2001:db8::1')).toBe(true)
    expect(allows('::203.0.113.5', '203.0.113.5')).toBe(false)
    expect(allows('203.0.113.5', '203.0.113.05')).toBe(false)
  })
})

describe('a domain entry', () => {
  test.each([
    ['Shopify.COM', 'shopify.com'],
    ['*.shopify.com', 'shopify.com'],
    ['shopify.com.', 'shopify.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example.', 'xn--bcher-kva.example'],
    ['a_b.shop-1.example', 'a_b.shop-1.example'],
  ])('%s is %s', (entry, domain) => {
    expect(domainsOf(compiled(entry))).toEqual([domain])
  })
})

describe('an entry that cannot be meant', () => {
  test.each([
    ['203.0.113.0/33', 'has a prefix that is not a number from 0 to 32'],
    ['2001:db8::/129', 'has a prefix that is not a number from 0 to 128'],
    ['::ffff:203.0.113.0/24', 'has a prefix that is not a number from 96 to 128'],
    ['203.0.113.0/', 'has a prefix that is not a number from 0 to 32'],
    ['203.0.113.0/024', 'has a prefix that is not a number from 0 to 32'],
    ['203.0.113.0/255.255.255.0', 'has a prefix that is not a number from 0 to 32'],
    ['127.1', 'is not an IPv4 address in four decimal parts and not an IPv6 address'],
    ['203.0.113.256', 'is not an IPv4 address in four decimal parts and not an IPv6 address'],
    ['203.0.113.010', 'is not an IPv4 address in four decimal parts and not an IPv6 address'],
    ['2001:db8::1::2', 'is not an IPv4 address in four decimal parts and not an IPv6 address'],
    ['fe80::1%eth0', 'names a zone, which has no meaning here'],
    ['[2001:db8::1]:443', 'is to be written without brackets and port'],
    ['0x7f.1', 'is an incomplete or disguised address'],
    ['１２７.0.0.1', 'is an incomplete or disguised address'],
    ['203.0.113.1-203.0.113.9', 'is a range; write it as CIDRs'],
    ['https://shopify.com/', 'is a URL; write its domain only'],
    ['shopify.com:443', 'is to be written without a port'],
    ['shopify.com/hooks', 'is neither an address nor a domain'],
    ['user@shopify.com', 'is neither an address nor a domain'],
    ['sho%70ify.com', 'is neither an address nor a domain'],
    ['shopify.com#x', 'is neither an address nor a domain'],
    ['.shopify.com', 'is neither an address nor a domain'],
    ['shop..com', 'is neither an address nor a domain'],
    ['-shop.com', 'is neither an address nor a domain'],
    [`${'a'.repeat(64)}.com`, 'is neither an address nor a domain'],
    ['com', 'is no whole domain: it has no dot'],
    ['*.com', 'is no whole domain: it has no dot'],
    ['localhost', 'is no whole domain: it has no dot'],
    ['shop*.com', 'may have "*" only by itself or as "*." before a domain'],
    ['203.0.113.*', 'may have "*" only by itself or as "*." before a domain'],
    ['**', 'may have "*" only by itself or as "*." before a domain'],
  ])('%s is refused by name', (entry, problem) => {
    expect(parseAllowlist(`example.org,${entry}`)).toEqual({ errors: [`"${entry}" ${problem}`] })
  })

  test('is reported together with the others', () => {
    expect(parseAllowlist('com 127.1 203.0.113.1')).toMatchObject({
      errors: [/^"com"/, /^"127\.1"/].map(matching),
    })
  })

  test('is a warning where it has one safe meaning', () => {
    const reading = parseAllowlist('203.0.113.77/24, 0.0.0.0/0')
    expect(reading).toMatchObject({
      allowlist: { networks: [{ text: '203.0.113.0/24' }, { text: '0.0.0.0/0' }] },
      warnings: [
        '"203.0.113.77/24" has bits beyond its prefix; read as 203.0.113.0/24',
        '"0.0.0.0/0" lets in every IPv4 address',
      ],
    })
  })

  test('counts: a list has limits', () => {
    const addresses = Array.from({ length: 10_001 }, (_, n) => `10.0.${n >> 8}.${n & 255}`)
    expect(parseAllowlist(addresses)).toEqual({ errors: ['10001 entries; an allowlist may have 10000'] })
    expect(parseAllowlist(addresses.slice(1))).toMatchObject({ warnings: [] })
    const domains = Array.from({ length: 201 }, (_, n) => `shop${n}.example`)
    expect(parseAllowlist(domains)).toEqual({ errors: ['201 domains; an allowlist may have 200'] })
  })
})

test('ten thousand entries cost a request no more than a few', () => {
  const listOf = (count: number) =>
    compiled(
      Array.from({ length: count }, (_, n) => `${n % 200}.${(n * 7) % 256}.${n >> 8}.0/${8 + (n % 25)}`),
    )
  const askedMs = (list: CompiledAllowlist) =>
    processorMs(() => {
      for (let n = 0; n < 5_000; n++) allowsAddress(list, `250.${n & 255}.1.1`)
    })
  const lists = [listOf(25), listOf(10_000)]
  const rounds = Array.from({ length: 5 }, () => lists.map(askedMs))
  const [fewMs = 0, manyMs = 0] = lists.map((_, at) => Math.min(...rounds.map((round) => round[at] ?? 0)))
  // Looked through one by one, they would cost hundreds of times as much.
  expect(manyMs).toBeLessThan(10 * fewMs)
})

describe('membership is what a plain comparison of bits says', () => {
  test('for IPv4', () => {
    const bytes = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(BigInt)
    expectNaiveMembership(bytes, 32, ipv4Text)
  })

  test('for IPv6', () => {
    // Outside ::ffff:0:0/96, whose addresses are IPv4.
    const wide = fc.bigInt({ min: 1n << 64n, max: (1n << 128n) - 1n })
    expectNaiveMembership(wide, 128, ipv6Text)
  })
})

/** The addresses asked for differ from a network's in one bit, so that hits and misses are both likely. */
function expectNaiveMembership(values: fc.Arbitrary<bigint>, bits: number, text: (value: bigint) => string) {
  const network = fc.record({ value: values, prefix: fc.integer({ min: 0, max: bits }) })
  const flips = fc.array(fc.record({ at: fc.nat(), bit: fc.integer({ min: 0, max: bits - 1 }) }), {
    maxLength: 8,
  })
  let hits = 0
  let misses = 0
  fc.assert(
    fc.property(fc.array(network, { minLength: 1, maxLength: 8 }), flips, (networks, changes) => {
      const list = compiled(networks.map(({ value, prefix }) => `${text(value)}/${prefix}`))
      for (const { at, bit } of changes) {
        const address = (networks[at % networks.length]?.value ?? 0n) ^ (1n << BigInt(bit))
        if (bits === 128 && address >> 32n === 0xffffn) continue
        const expected = networks.some(({ value, prefix }) => {
          const mask = ((1n << BigInt(prefix)) - 1n) << BigInt(bits - prefix)
          return (value & mask) === (address & mask)
        })
        if (expected) hits++
        else misses++
        expect(allowsAddress(list, text(address))).toBe(expected)
      }
    }),
    { numRuns: 500 },
  )
  expect(Math.min(hits, misses)).toBeGreaterThan(50)
}

function ipv4Text(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
}

function ipv6Text(value: bigint): string {
  return value.toString(16).padStart(32, '0').match(/.{4}/g)?.join(':') ?? ''
}

function matching(pattern: RegExp) {
  return expect.stringMatching(pattern)
}
