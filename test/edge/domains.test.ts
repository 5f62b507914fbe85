import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type DnsServer, ptrName, startDnsServer } from '../world/dns-server.ts'
import { eventually } from '../world/eventually.ts'
import { ACCEPTED, type EdgeWorld, startEdge } from './world.ts'

let dns: DnsServer
/** It has more time for DNS than any answer takes. */
let world: EdgeWorld
let id: string
/** It has only {@link BUDGET_MS}. */
let hasty: EdgeWorld
let hastyId: string

const BUDGET_MS = 400

beforeAll(async () => {
  dns = await startDnsServer()
  world = await start('shop.example, 192.0.2.1')
  id = await world.integration()
  hasty = await start('shop.example, 192.0.2.1', BUDGET_MS)
  hastyId = await hasty.integration()
})
afterAll(async () => {
  await world.close()
  await hasty.close()
  await dns.close()
})

const start = (allowed: string, budgetMs = 5_000) =>
  startEdge({
    TRUSTED_PROXIES: '127.0.0.1',
    RETRIEVE_ALLOWED_LIST: allowed,
    DNS_SERVERS: dns.address,
    DNS_BUDGET_MS: String(budgetMs),
  })
beforeEach(() => dns.setDefault({ rcode: 3 }))

const send = (address: string, called = id, headers: Record<string, string> = {}) =>
  world.send(called, '{}', { 'x-forwarded-for': address, ...headers })
const sendHasty = (address: string) => hasty.send(hastyId, '{}', { 'x-forwarded-for': address })

function publish(address: string, ptr: string, forward: string[]): void {
  dns.set('PTR', ptrName(address), { records: [ptr] })
  dns.set(address.includes(':') ? 'AAAA' : 'A', ptr, { records: forward })
}

test('a sender whose name and address confirm each other is let in by its domain', async () => {
  publish('203.0.113.10', 'out-1.mail.shop.example', ['203.0.113.99', '203.0.113.10'])
  publish('2001:db8::10', 'v6.shop.example', ['2001:db8::10'])
  expect(await send('203.0.113.10')).toMatchObject(ACCEPTED)
  expect(await send('2001:db8::10')).toMatchObject(ACCEPTED)
})

test('a name that only its own address tells is not believed', async () => {
  publish('203.0.113.11', 'fake.shop.example', ['203.0.113.99'])
  publish('203.0.113.12', 'shop.example.evil.test', ['203.0.113.12'])
  publish('203.0.113.13', 'notshop.example', ['203.0.113.13'])
  for (const address of ['203.0.113.11', '203.0.113.12', '203.0.113.13', '203.0.113.14'])
    expect(JSON.parse((await send(address)).body).error).toBe(
      `This domain/IP (${address}) isn't authorized on Retrieve`,
    )
})

test('no header that names the domain lets anybody in', async () => {
  const headers = {
    host: 'shop.example',
    origin: 'https://shop.example',
    referer: 'https://shop.example/',
    from: 'a@shop.example',
  }
  expect((await send('203.0.113.14', id, headers)).status).toBe(403)
})

test('a domain of one integration opens no other', async () => {
  publish('203.0.113.20', 'a.own.example', ['203.0.113.20'])
  const own = await world.integration({ allowedList: ['own.example'] })
  expect(await send('203.0.113.20', own)).toMatchObject(ACCEPTED)
  expect((await send('203.0.113.20')).status).toBe(403)
  expect((await send('203.0.113.20', 'nobody-knows')).status).toBe(403)
})

test('a silent DNS never slows an address match', async () => {
  dns.setDefault({ silent: true })
  const before = dns.askedInAll()
  expect(await send('192.0.2.1')).toMatchObject(ACCEPTED)
  expect(dns.askedInAll()).toBe(before)
})

test('a DNS that is silent or fails makes "come again", not "no"', async () => {
  dns.setDefault({ silent: true })
  const started = performance.now()
  expect(await sendHasty('203.0.113.30')).toMatchObject({ status: 503, headers: { 'retry-after': '10' } })
  // The resolver would give up after two seconds at the earliest.
  expect(performance.now() - started).toBeLessThan(1_900)
  dns.setDefault({ rcode: 2 })
  expect((await send('203.0.113.31')).status).toBe(503)
})

test('a sender whom a slow DNS kept out is let in when he comes again', async () => {
  publish('203.0.113.40', 'slow.shop.example', ['203.0.113.40'])
  dns.set('PTR', ptrName('203.0.113.40'), { records: ['slow.shop.example'], delayMs: BUDGET_MS + 100 })
  expect((await sendHasty('203.0.113.40')).status).toBe(503)
  await eventually(async () => expect((await sendHasty('203.0.113.40')).status).toBe(200))
})

test('a stranger learns nothing about ids from DNS: same answer, same questions, same wait', async () => {
  const other = await start('192.0.2.1')
  const own = await other.integration({ allowedList: ['only-here.example'] })
  const plain = await other.integration()
  const call = (address: string, called: string) => other.send(called, '{}', { 'x-forwarded-for': address })
  await call('203.0.113.50', own)
  const ofOwn = dns.asked('A', 'only-here.example')
  dns.setDefault({ rcode: 3, delayMs: 150 })
  const seen: { answer: string; asked: number; waitMs: number }[] = []
  for (const [at, called] of [own, plain, 'nobody-knows', 'ABC123'].entries()) {
    const before = dns.askedDifferent()
    const started = performance.now()
    const { status, body } = await call(`203.0.113.${60 + at}`, called)
    const answer = `${status} ${body.replace(/203\.0\.113\.6\d/, 'x')}`
    seen.push({ answer, asked: dns.askedDifferent() - before, waitMs: performance.now() - started })
  }
  await other.close()
  const [first] = seen
  expect(first?.answer).toMatch(/^403 /)
  expect(first?.asked).toBeGreaterThan(0)
  expect(dns.asked('A', 'only-here.example')).toBe(ofOwn)
  for (const { answer, asked, waitMs } of seen) {
    expect({ answer, asked }).toEqual({ answer: first?.answer, asked: first?.asked })
    expect(waitMs).toBeGreaterThan(140)
  }
})

test("an address of another's domain is kept waiting for its own like a stranger, and is told to come again", async () => {
  dns.set('A', 'at-once.example', { records: ['203.0.113.70'] })
  dns.set('A', 'late.example', { records: ['203.0.113.70'], delayMs: BUDGET_MS + 100 })
  const other = await start('192.0.2.1', BUDGET_MS)
  await other.integration({ allowedList: ['at-once.example'] })
  const own = await other.integration({ allowedList: ['late.example'] })
  const call = (called: string) => other.send(called, '{}', { 'x-forwarded-for': '203.0.113.70' })
  for (const { status, headers } of await Promise.all([call(own), call('nobody-knows')]))
    expect({ status, wait: headers['retry-after'] }).toEqual({ status: 503, wait: '10' })
  await eventually(async () => expect(await call(own)).toMatchObject(ACCEPTED))
  expect((await call('nobody-knows')).status).toBe(403)
  await other.close()
})
