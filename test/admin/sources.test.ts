import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FetchText } from '../../src/integrations/integrations.ts'
import { PRESETS } from '../../src/sources/sources.ts'
import { startTestGateway, type TestGateway } from '../world/gateway.ts'

let world: TestGateway
let answer: Awaited<ReturnType<FetchText>>

beforeAll(async () => {
  const visit = async () => ({ ok: false as const, message: 'nothing is visited here' })
  world = await startTestGateway({ outside: { visit, fetchText: async () => answer } })
})
afterAll(() => world.close())

async function listed(): Promise<Map<string, any>> {
  const { body } = await world.api.call('GET', '/sources')
  return new Map(body.items.map((item: { name: string }) => [item.name, item]))
}

const refresh = (name: string) => world.api.call('POST', `/sources/${name}/addresses/refresh`)

test('every source is listed with what is done there and what it asks for', async () => {
  const sources = await listed()
  expect([...sources.keys()]).toEqual([...PRESETS.keys()])
  for (const source of sources.values()) {
    expect(source.title).toBeTruthy()
    expect(source.setup).toBeTruthy()
    expect(source.replies.accepted.status).toBeGreaterThanOrEqual(200)
  }
  expect(sources.get('shopify')).toMatchObject({
    methods: ['POST'],
    proof: { type: 'object', properties: { secrets: { type: 'array' } }, required: ['secrets'] },
    covers: { body: 'bytes', headers: [], url: false },
    senderDomains: ['shopify.com', 'myshopify.com'],
    publishedAddresses: null,
  })
  // What the generic proof covers depends on what is chosen.
  expect(sources.get('generic')).toMatchObject({ covers: null })
  expect(sources.get('mollie-classic').proof).toEqual(null)
  expect(sources.get('tilby').handshakes).toEqual([
    { kind: 'subscribed', method: 'POST', asked: 'before proof', pins: true, confirmable: false },
  ])
  expect(sources.get('adobe-io-events').handshakes).toContainEqual(
    expect.objectContaining({ kind: 'validation', confirmable: true }),
  )
})

test('the addresses that a source publishes are fetched on request, and counted', async () => {
  expect((await listed()).get('github').publishedAddresses).toEqual({
    url: 'https://api.github.com/meta',
    count: 0,
    fetchedAt: null,
  })
  answer = { ok: true, text: '{"hooks":["192.30.252.0/22","2606:50c0::/32"]}' }
  const refreshed = await refresh('github')
  expect(refreshed).toEqual({ status: 200, body: { count: 2, fetchedAt: expect.any(String) } })
  expect((await listed()).get('github').publishedAddresses).toMatchObject({
    count: 2,
    fetchedAt: refreshed.body.fetchedAt,
  })
  answer = { ok: false, message: 'api.github.com answered 403' }
  expect(await refresh('github')).toMatchObject({
    status: 502,
    body: { status: 502, detail: 'api.github.com answered 403' },
  })
  expect((await listed()).get('github').publishedAddresses.count).toBe(2)
})

test('what publishes none, and what is no source, is not refreshed', async () => {
  expect((await refresh('shopify')).body).toMatchObject({
    status: 409,
    detail: 'Shopify publishes no addresses',
  })
  expect((await refresh('nothing')).status).toBe(404)
})
