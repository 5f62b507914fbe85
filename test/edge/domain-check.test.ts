import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createDomainCheck, type DomainCheck, type DomainCheckOptions } from '../../src/edge/domain-check.ts'
import { type DnsServer, ptrName, startDnsServer } from '../world/dns-server.ts'

const ADDRESS = '203.0.113.5'
const REFUSED = { allowed: false, undecided: false }
const UNDECIDED = { allowed: false, undecided: true }

let dns: DnsServer
let nowMs: number
let open: DomainCheck[]

beforeEach(async () => {
  dns = await startDnsServer()
  nowMs = 1_000_000
  open = []
})

afterEach(async () => {
  await Promise.all(open.map((check) => check.close()))
  await dns.close()
})

/** A generous budget, so that only the tests about slowness depend on speed. */
function start(options: Partial<DomainCheckOptions> = {}): DomainCheck {
  const check = createDomainCheck({ servers: [dns.address], budgetMs: 5_000, now: () => nowMs, ...options })
  open.push(check)
  return check
}

function setReverse(address: string, ...names: string[]) {
  dns.set('PTR', ptrName(address), { records: names })
}

async function until(holds: () => boolean, what: string) {
  const deadline = Date.now() + 10_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const settled = (check: DomainCheck) => until(() => check.load().underWay === 0, 'all questions are answered')

describe('reverse DNS', () => {
  test('lets in an address whose name is below the domain and leads back to it', async () => {
    setReverse(ADDRESS, 'Out-7.Mail.Shopify.COM')
    dns.set('A', 'out-7.mail.shopify.com', { records: ['203.0.113.4', ADDRESS] })
    const verdict = await start().check(ADDRESS, ['example.org', 'shopify.com'])
    expect(verdict).toEqual({ allowed: true, domain: 'shopify.com', by: 'reverse' })
  })

  test('lets in an IPv6 address the same way', async () => {
    setReverse('2001:db8::5', 'out.shopify.com')
    dns.set('AAAA', 'out.shopify.com', { records: ['2001:db8:0:0::5'] })
    const verdict = await start().check('2001:db8::5', ['shopify.com'])
    expect(verdict).toEqual({ allowed: true, domain: 'shopify.com', by: 'reverse' })
  })

  test('knows a source that comes as IPv4-mapped IPv6', async () => {
    setReverse(ADDRESS, 'out.shopify.com')
    dns.set('A', 'out.shopify.com', { records: [ADDRESS] })
    expect(await start().check(`::ffff:${ADDRESS}`, ['shopify.com'])).toMatchObject({ allowed: true })
  })

  test('follows the alias of a delegated reverse zone', async () => {
    dns.set('PTR', ptrName(ADDRESS), { alias: '5.0-31.113.0.203.in-addr.arpa', records: ['out.shopify.com'] })
    dns.set('A', 'out.shopify.com', { records: [ADDRESS] })
    expect(await start().check(ADDRESS, ['shopify.com'])).toMatchObject({ allowed: true, by: 'reverse' })
  })

  test('proves nothing when the name does not lead back', async () => {
    setReverse(ADDRESS, 'out.shopify.com')
    dns.set('A', 'out.shopify.com', { records: ['198.51.100.1'] })
    expect(await start().check(ADDRESS, ['shopify.com'])).toEqual(REFUSED)
    setReverse('203.0.113.6', 'gone.shopify.com')
    expect(await start().check('203.0.113.6', ['shopify.com'])).toEqual(REFUSED)
  })

  test.each([
    'evil.shopify.com.attacker.net',
    'notshopify.com',
    'shopify.com.attacker.net',
    'x\\.shopify.com',
    'com',
  ])('that names %s proves nothing, and that name is not even asked for', async (name) => {
    setReverse(ADDRESS, name)
    dns.set('A', name, { records: [ADDRESS] })
    dns.set('A', 'shopify.com', { records: ['198.51.100.1'] })
    expect(await start().check(ADDRESS, ['shopify.com'])).toEqual(REFUSED)
    expect(dns.asked('A', name)).toBe(0)
    expect(dns.askedDifferent()).toBe(2)
  })

  test('is taken from a limited number of names', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `n${n}.shopify.com`)
    setReverse(ADDRESS, ...names)
    expect(await start().check(ADDRESS, ['shopify.com'])).toEqual(REFUSED)
    const asked = names.reduce((sum, name) => sum + dns.asked('A', name), 0)
    expect(asked).toBe(8)
  })
})

describe("the domain's own records", () => {
  test('let in the addresses they hold', async () => {
    dns.set('A', 'erp.example.org', { records: ['203.0.113.9', ADDRESS] })
    dns.set('AAAA', 'erp.example.org', { records: ['2001:db8::9'] })
    const check = start()
    const expected = { allowed: true, domain: 'erp.example.org', by: 'forward' }
    expect(await check.check(ADDRESS, ['shopify.com', 'erp.example.org'])).toEqual(expected)
    expect(await check.check('2001:db8::9', ['shopify.com', 'erp.example.org'])).toEqual(expected)
    expect(await check.check('203.0.113.77', ['shopify.com', 'erp.example.org'])).toEqual(REFUSED)
  })

  test('are found through an alias', async () => {
    dns.set('A', 'erp.example.org', { alias: 'host-1.cloud.example', records: [ADDRESS] })
    expect(await start().check(ADDRESS, ['erp.example.org'])).toMatchObject({ allowed: true, by: 'forward' })
  })

  test('once known cost no question, not even a reverse one', async () => {
    dns.set('A', 'erp.example.org', { records: [ADDRESS, '203.0.113.9'] })
    const check = start()
    await check.check(ADDRESS, ['erp.example.org'])
    await settled(check)
    const before = dns.askedInAll()
    expect(await check.check('203.0.113.9', ['erp.example.org'])).toMatchObject({ allowed: true })
    expect(dns.askedInAll()).toBe(before)
  })

  test('let in while the reverse zone does not answer', async () => {
    dns.set('PTR', ptrName(ADDRESS), { silent: true })
    dns.set('A', 'erp.example.org', { records: [ADDRESS] })
    // Less than the resolver takes to give up.
    const check = start({ budgetMs: 1_900 })
    expect(await check.check(ADDRESS, ['erp.example.org'])).toMatchObject({ allowed: true })
  })
})

test('without a domain or a readable address nothing is asked', async () => {
  const check = start()
  expect(await check.check(ADDRESS, [])).toEqual(REFUSED)
  expect(await check.check('127.1', ['shopify.com'])).toEqual(REFUSED)
  expect(dns.askedInAll()).toBe(0)
})

test('a server that is no address is refused at the start', () => {
  expect(() => createDomainCheck({ servers: ['dns.example'], now: () => 0 })).toThrow()
})

describe('a slow resolver', () => {
  test('costs no more than the budget, and the next try passes from the cache', async () => {
    dns.set('PTR', ptrName(ADDRESS), { records: ['out.shopify.com'], delayMs: 300 })
    dns.set('A', 'out.shopify.com', { records: [ADDRESS], delayMs: 300 })
    const check = start({ budgetMs: 50 })
    expect(await check.check(ADDRESS, ['shopify.com'])).toEqual(UNDECIDED)
    expect(dns.asked('A', 'out.shopify.com')).toBe(0)
    await until(() => dns.asked('A', 'out.shopify.com') > 0, 'the look-up goes on')
    await settled(check)
    const asked = dns.askedInAll()
    const expected = { allowed: true, domain: 'shopify.com', by: 'reverse' }
    expect(await check.check(ADDRESS, ['shopify.com'])).toEqual(expected)
    expect(dns.askedInAll()).toBe(asked)
  })

  test('that never answers leaves the check undecided, and is not asked again for a while', async () => {
    dns.setDefault({ silent: true })
    const check = start({ budgetMs: 20 })
    expect(await check.check(ADDRESS, ['shopify.com'])).toEqual(UNDECIDED)
    await settled(check)
    const asked = dns.askedInAll()
    expect(await check.check(ADDRESS, ['shopify.com'])).toEqual(UNDECIDED)
    expect(dns.askedInAll()).toBe(asked)
  })
})

describe('the cache', () => {
  test('makes one question of many at the same time', async () => {
    dns.set('PTR', ptrName(ADDRESS), { records: ['out.shopify.com'], delayMs: 50 })
    dns.set('A', 'out.shopify.com', { records: [ADDRESS], delayMs: 50 })
    const check = start()
    const verdicts = await Promise.all(
      Array.from({ length: 100 }, () => check.check(ADDRESS, ['shopify.com'])),
    )
    expect(verdicts.every((verdict) => verdict.allowed)).toBe(true)
    expect(dns.asked('PTR', ptrName(ADDRESS))).toBe(1)
    expect(dns.asked('A', 'out.shopify.com')).toBe(1)
    expect(dns.asked('A', 'shopify.com')).toBe(1)
  })

  test('keeps found records no longer than their TTL and no longer than its own limit', async () => {
    dns.set('A', 'a.example.org', { records: [ADDRESS], ttlSeconds: 100 })
    dns.set('A', 'b.example.org', { records: [ADDRESS], ttlSeconds: 86_400 })
    const check = start({ cacheMs: 200_000 })
    const askedAfter = async (ms: number) => {
      nowMs += ms
      await check.check(ADDRESS, ['a.example.org'])
      await check.check(ADDRESS, ['b.example.org'])
      return [dns.asked('A', 'a.example.org'), dns.asked('A', 'b.example.org')]
    }
    expect(await askedAfter(0)).toEqual([1, 1])
    expect(await askedAfter(99_000)).toEqual([1, 1])
    expect(await askedAfter(2_000)).toEqual([2, 1])
    expect(await askedAfter(98_000)).toEqual([2, 1])
    expect(await askedAfter(2_000)).toEqual([3, 2])
  })

  test('keeps records without a TTL long enough for a retry', async () => {
    dns.set('A', 'erp.example.org', { records: [ADDRESS], ttlSeconds: 0 })
    const check = start()
    await check.check(ADDRESS, ['erp.example.org'])
    nowMs += 29_000
    await check.check(ADDRESS, ['erp.example.org'])
    expect(dns.asked('A', 'erp.example.org')).toBe(1)
  })

  test('forgets that a name does not exist, so that a new record lets its sender in', async () => {
    const check = start({ cacheNegativeMs: 60_000 })
    expect(await check.check(ADDRESS, ['erp.example.org'])).toEqual(REFUSED)
    dns.set('A', 'erp.example.org', { records: [ADDRESS] })
    nowMs += 59_000
    expect(await check.check(ADDRESS, ['erp.example.org'])).toEqual(REFUSED)
    expect(dns.asked('A', 'erp.example.org')).toBe(1)
    nowMs += 2_000
    expect(await check.check(ADDRESS, ['erp.example.org'])).toMatchObject({ allowed: true })
    expect(dns.asked('A', 'erp.example.org')).toBe(2)
  })

  test('forgets a failure soon, and an existing name without records is no failure', async () => {
    dns.set('A', 'erp.example.org', { rcode: 2 })
    dns.set('A', 'empty.example.org', { records: [] })
    const check = start({ cacheFailedMs: 5_000 })
    expect(await check.check(ADDRESS, ['empty.example.org'])).toEqual(REFUSED)
    expect(await check.check(ADDRESS, ['erp.example.org'])).toEqual(UNDECIDED)
    dns.set('A', 'erp.example.org', { records: [ADDRESS] })
    expect(await check.check(ADDRESS, ['erp.example.org'])).toEqual(UNDECIDED)
    nowMs += 5_001
    expect(await check.check(ADDRESS, ['erp.example.org'])).toMatchObject({ allowed: true })
  })
})

describe('a flood of strangers', () => {
  const stranger = (n: number) => `198.18.${n >> 8}.${n & 255}`

  test('ten thousand at once cost few questions and little memory', async () => {
    const check = start({ budgetMs: 200, entriesMax: 100, strangerQuestionsPerSecondMax: 150 })
    const pending = Array.from({ length: 10_000 }, (_, n) => check.check(stranger(n), ['shopify.com']))
    expect(check.load().underWay).toBeLessThanOrEqual(151)
    const verdicts = await Promise.all(pending)
    expect(verdicts.some((verdict) => verdict.allowed)).toBe(false)
    await settled(check)
    expect(dns.askedDifferent()).toBeLessThanOrEqual(151)
    expect(dns.askedDifferent()).toBeGreaterThan(100)
    expect(check.load().cached).toBeLessThanOrEqual(101)
  })

  test('that comes slowly stays within the memory', async () => {
    const check = start({ entriesMax: 50 })
    for (let n = 0; n < 500; n++) {
      nowMs += 10
      await check.check(stranger(n), ['shopify.com'])
    }
    expect(dns.askedDifferent()).toBe(501)
    expect(check.load().cached).toBe(51)
  })

  test('behind a dead reverse zone does not grow the line without end', async () => {
    dns.setDefault({ silent: true })
    const check = start({ budgetMs: 20, strangerQuestionsPerSecondMax: 100_000 })
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => check.check(stranger(n), ['shopify.com'])))
    expect(check.load().underWay).toBeLessThanOrEqual(257)
    expect(dns.askedDifferent()).toBeLessThanOrEqual(65)
  })

  test("does not keep the operator's own domains from being known", async () => {
    dns.setDefault({ silent: true })
    dns.set('A', 'shopify.com', { rcode: 3 })
    dns.set('A', 'erp.example.org', { records: [ADDRESS] })
    const check = start({ budgetMs: 2_000 })
    const flood = Array.from({ length: 1_000 }, (_, n) => check.check(stranger(n), ['shopify.com']))
    expect(await check.check(ADDRESS, ['erp.example.org'])).toMatchObject({ allowed: true })
    await check.close()
    await Promise.all(flood)
  })
})

describe('close', () => {
  test('ends every check at once and asks nothing more', async () => {
    dns.setDefault({ silent: true })
    const check = start({ budgetMs: 60_000, strangerQuestionsPerSecondMax: 100_000 })
    const pending = Array.from({ length: 200 }, (_, n) => check.check(`198.18.0.${n}`, ['shopify.com']))
    await until(() => dns.askedInAll() > 0, 'a question arrives')
    await check.close()
    expect(await Promise.all(pending)).toEqual(pending.map(() => UNDECIDED))
    const asked = dns.askedDifferent()
    expect(asked).toBeLessThanOrEqual(65)
    expect(check.load().underWay).toBe(0)
    expect(await check.check('198.18.9.9', ['shopify.com'])).toEqual(UNDECIDED)
    expect(dns.askedDifferent()).toBe(asked)
  })
})
