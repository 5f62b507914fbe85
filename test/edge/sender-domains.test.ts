import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type DnsServer, startDnsServer } from '../world/dns-server.ts'
import { ACCEPTED, type Answer, answersOn, type EdgeWorld, openSocket, startEdge } from './world.ts'

let dns: DnsServer
let world: EdgeWorld
let shop: string
let deaf: string

const SECRET = 'a-secret-of-the-shop'
const STRANGER = '203.0.113.77'

beforeAll(async () => {
  dns = await startDnsServer()
  world = await startEdge({
    TRUSTED_PROXIES: '127.0.0.1',
    RETRIEVE_ALLOWED_LIST: '192.0.2.1',
    DNS_SERVERS: dns.address,
    DNS_BUDGET_MS: '5000',
    BODY_BYTES_MAX: '5000',
  })
  const proof = { secrets: [{ secret: SECRET }] }
  shop = await world.integration({ source: 'shopify', proof, allowedList: ['shopify.com'] })
  deaf = await world.integration({ source: 'shopify', proof, allowedList: ['shop.example'] })
})
afterAll(async () => {
  await world.close()
  await dns.close()
})
beforeEach(() => dns.setDefault({ rcode: 3 }))

const sign = (body: string, secret = SECRET) => createHmac('sha256', secret).update(body).digest('base64')

function send(id: string, body: string, headers: Record<string, string> = {}): Promise<Answer> {
  return world.send(id, body, { 'x-forwarded-for': STRANGER, ...headers })
}

const signed = (body: string, secret?: string) => ({ 'x-shopify-hmac-sha256': sign(body, secret) })

test('a domain of the allowlist is met by a valid signature of the source that it belongs to, from any address', async () => {
  expect(await send(shop, '{"id":1}', signed('{"id":1}'))).toMatchObject(ACCEPTED)
})

test('and by nothing less', async () => {
  const refused = {
    status: 403,
    body: `{"result":false,"error":"This domain/IP (${STRANGER}) isn't authorized on Retrieve"}`,
  }
  const shopDomain = { 'x-shopify-shop-domain': 'demo.myshopify.com', 'x-shopify-topic': 'orders/create' }
  expect(await send(shop, '{}', shopDomain)).toMatchObject(refused)
  expect(await send(shop, '{}', { ...shopDomain, ...signed('{}', 'wrong') })).toMatchObject(refused)
  expect(await send(deaf, '{}', signed('{}'))).toMatchObject(refused)
  const unproven = await world.integration({ source: 'shopify', allowedList: ['shopify.com'] })
  expect(await send(unproven, '{}', signed('{}'))).toMatchObject(refused)
  const other = await world.integration({
    source: 'woocommerce',
    proof: { secrets: [{ secret: SECRET }] },
    allowedList: ['shopify.com'],
  })
  expect(await send(other, '{}', { ...signed('{}'), 'x-wc-webhook-signature': sign('{}') })).toMatchObject(
    refused,
  )
})

test('a stranger learns nothing from it: ids that exist and ids that do not answer alike, whatever he sends', async () => {
  const bodies = ['{}', 'not json', '', 'x'.repeat(6_000)]
  for (const body of bodies) {
    for (const headers of [
      {},
      signed(body, 'wrong'),
      { ...signed(body, 'wrong'), 'content-encoding': 'gzip' },
    ]) {
      const answers = await Promise.all(
        [shop, deaf, 'ffffffffffffffffffffffff'].map((id) => send(id, body, headers)),
      )
      const [first, ...others] = answers.map(({ status, body, headers }) => ({
        status,
        body,
        type: headers['content-type'],
      }))
      for (const other of others) expect(other).toEqual(first)
    }
  }
})

test('a stranger without a signature is refused with his body unread, whoever is called', async () => {
  for (const id of [shop, deaf, 'ffffffffffffffffffffffff']) {
    const asked = await statusLineFor(id, '')
    expect(asked).toMatch(/^HTTP\/1\.1 403/)
    expect(await statusLineFor(id, 'x-shopify-hmac-sha256: c2lnbmF0dXJl\r\n')).toMatch(/^HTTP\/1\.1 100/)
  }
})

/** What comes first when a sender asks whether his body is welcome. */
async function statusLineFor(id: string, header: string): Promise<string> {
  const socket = await openSocket(world.port)
  socket.write(
    `POST /integration/${id} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: ${STRANGER}\r\ncontent-length: 2\r\n` +
      `expect: 100-continue\r\n${header}\r\n`,
  )
  return answersOn(socket, { until: /\r\n/ })
}

test('a handshake that comes before proof is none of a stranger', async () => {
  const id = await world.integration({
    source: 'adobe-io-events',
    proof: { clientId: 'client-1' },
    allowedList: ['shopify.com', 'adobe.io'],
  })
  const challenge = await world.ask(`/integration/${id}?challenge=8ec8d794-e0ab-42df-9017-e3dada8e84f7`, {
    method: 'GET',
    headers: {
      'x-forwarded-for': STRANGER,
      'x-shopify-hmac-sha256': 'c2ln',
      'x-adobe-digital-signature-1': 'c2ln',
    },
  })
  expect(challenge.status).toBe(403)
})

test('a DNS that is silent does not delay who proves himself, and tells others to come again', async () => {
  dns.setDefault({ silent: true })
  expect(await send(shop, '{"id":9}', signed('{"id":9}'))).toMatchObject(ACCEPTED)
  const unknown = { 'x-forwarded-for': '203.0.113.78' }
  expect((await send(shop, '{}', { ...signed('{}', 'wrong'), ...unknown })).status).toBe(503)
})

test('the limits of the integration hold for who proved himself too', async () => {
  const small = await world.integration({
    source: 'shopify',
    proof: { secrets: [{ secret: SECRET }] },
    allowedList: ['shopify.com'],
    limits: { bodyBytesMax: 10 },
  })
  const body = '{"id":"longer than ten bytes"}'
  expect((await send(small, body, signed(body))).status).toBe(413)
})
