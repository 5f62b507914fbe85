import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type DnsServer, ptrName, startDnsServer } from '../world/dns-server.ts'
import { ACCEPTED, type EdgeWorld, startEdge } from './world.ts'

let dns: DnsServer
let world: EdgeWorld
let id: string

const BUDGET_MS = 400

beforeAll(async () => {
  dns = await startDnsServer()
  world = await startEdge({
    TRUSTED_PROXIES: '127.0.0.1',
    RETRIEVE_ALLOWED_LIST: 'shop.example, 192.0.2.1',
    DNS_SERVERS: dns.address,
    DNS_BUDGET_MS: String(BUDGET_MS),
  })
  id = await world.integration()
})
afterAll(async () => {
  await world.close()
  await dns.close()
})
beforeEach(() => dns.setDefault({ rcode: 3 }))

const send = (address: string, called = id, headers: Record<string, string> = {}) =>
  world.send(called, '{}', { 'x-forwarded-for': address, ...headers })

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
  const started = performance.now()
  expect(await send('192.0.2.1')).toMatchObject(ACCEPTED)
  expect(performance.now() - started).toBeLessThan(BUDGET_MS / 2)
})

test('a DNS that is silent or fails makes "come again", not "no"', async () => {
  dns.setDefault({ silent: true })
  const started = performance.now()
  expect(await send('203.0.113.30')).toMatchObject({ status: 503, headers: { 'retry-after': '10' } })
  expect(performance.now() - started).toBeLessThan(BUDGET_MS + 300)
  dns.setDefault({ rcode: 2 })
  expect((await send('203.0.113.31')).status).toBe(503)
})

test('a sender whom a slow DNS kept out is let in when he comes again', async () => {
  publish('203.0.113.40', 'slow.shop.example', ['203.0.113.40'])
  dns.set('PTR', ptrName('203.0.113.40'), { records: ['slow.shop.example'], delayMs: BUDGET_MS + 100 })
  expect((await send('203.0.113.40')).status).toBe(503)
  const deadline = performance.now() + 3_000
  let status = 503
  while (status === 503 && performance.now() < deadline) status = (await send('203.0.113.40')).status
  expect(status).toBe(200)
})

test('a stranger learns nothing about ids from DNS: same answer, same questions, same wait', async () => {
  const other = await startEdge({
    TRUSTED_PROXIES: '127.0.0.1',
    RETRIEVE_ALLOWED_LIST: '192.0.2.1',
    DNS_SERVERS: dns.address,
    DNS_BUDGET_MS: String(BUDGET_MS),
  })
  const own = await other.integration({ allowedList: ['only-here.example'] })
  const plain = await other.integration()
  const call = (address: string, called: string) => other.send(called, '{}', { 'x-forwarded-for': address })
  await call('203.0.113.50', own)
  dns.setDefault({ rcode: 3, delayMs: 150 })
  const seen: { answer: string; asked: number; waitMs: number }[] = []
  for (const [at, called] of [own, plain, 'nobody-knows', 'ABC123'].entries()) {
    const before = dns.askedInAll()
    const started = performance.now()
    const { status, body } = await call(`203.0.113.${60 + at}`, called)
    const answer = `${status} ${body.replace(/203\.0\.113\.6\d/, 'x')}`
    seen.push({ answer, asked: dns.askedInAll() - before, waitMs: performance.now() - started })
  }
  await other.close()
  const [first] = seen
  expect(first?.answer).toMatch(/^403 /)
  expect(first?.asked).toBeGreaterThan(0)
  for (const { answer, asked, waitMs } of seen) {
    expect({ answer, asked }).toEqual({ answer: first?.answer, asked: first?.asked })
    expect(waitMs).toBeGreaterThan(140)
  }
})
