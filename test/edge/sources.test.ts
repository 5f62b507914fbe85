import { createHmac } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../world/eventually.ts'
import { ACCEPTED, type EdgeWorld, startEdge } from './world.ts'

let world: EdgeWorld

beforeAll(async () => {
  world = await startEdge({ QUARANTINE_MAX: '3' })
})
afterAll(() => world.close())

const SECRET = 'a-secret-of-the-shop'
const sign = (body: string, secret = SECRET) => createHmac('sha256', secret).update(body).digest('base64')
const secrets = (...list: string[]) => ({ secrets: list.map((secret) => ({ secret })) })

function shopify(body: string, { secret = SECRET, topic = 'orders/create', eventId = 'event-1' } = {}) {
  return {
    'x-shopify-topic': topic,
    'x-shopify-shop-domain': 'demo-shop.myshopify.com',
    'x-shopify-webhook-id': `webhook-${eventId}`,
    'x-shopify-event-id': eventId,
    'x-shopify-triggered-at': '2026-01-01T00:00:00.123456789Z',
    'x-shopify-hmac-sha256': sign(body, secret),
  }
}

describe('what is proven', () => {
  test('is accepted, and the ledger names it as its source does', async () => {
    const id = await world.integration({ source: 'shopify', proof: secrets(SECRET) })
    expect(await world.send(id, '{"id":1}', shopify('{"id":1}'))).toMatchObject(ACCEPTED)
    expect((await world.eventOf(id)) as object).toMatchObject({
      source: {
        topic: 'orders/create',
        sender: 'demo-shop.myshopify.com',
        eventId: 'event-1',
        deliveryId: 'webhook-event-1',
        occurredAt: '2026-01-01T00:00:00.123Z',
      },
    })
  })

  test('counts once, however often it comes; another topic of the same event counts too', async () => {
    const id = await world.integration({ source: 'shopify', proof: secrets(SECRET) })
    await world.send(id, '{"id":2}', shopify('{"id":2}', { eventId: 'e2' }))
    expect(await world.send(id, '{"id":2}', shopify('{"id":2}', { eventId: 'e2' }))).toMatchObject(ACCEPTED)
    await world.send(id, '{"id":2}', shopify('{"id":2}', { eventId: 'e2', topic: 'orders/updated' }))
    const states = (await world.api.events(`?integrationId=${id}`)).map(
      (event: { state: string }) => event.state,
    )
    expect(states.toSorted()).toEqual(['duplicate', 'queued', 'queued'])
  })

  test('may be signed with an old secret or a new one while both are active', async () => {
    const id = await world.integration({ source: 'shopify', proof: secrets('the-old-one', 'the-new-one') })
    for (const secret of ['the-old-one', 'the-new-one'])
      expect((await world.send(id, '{}', shopify('{}', { secret, eventId: secret }))).status).toBe(200)
    expect((await world.send(id, '{}', shopify('{}', { secret: 'another' }))).status).toBe(401)
  })

  test('is proven over the body without its Content-Encoding, or over the bytes on the wire where a sender signs those', async () => {
    const body = '{"id":1}'
    const wire = gzipSync(body)
    const proof = { scheme: 'hmac', header: 'x-signature', ...secrets(SECRET) }
    const statusOf = async (signed: string | Buffer, definition: object) => {
      const id = await world.integration({ proof, ...definition })
      const signature = createHmac('sha256', SECRET).update(signed).digest('base64')
      const headers = { 'content-encoding': 'gzip', 'x-signature': signature }
      return (await world.send(id, wire, headers)).status
    }
    expect(await statusOf(body, {})).toBe(200)
    expect(await statusOf(wire, {})).toBe(401)
    expect(await statusOf(wire, { signedBody: 'encoded' })).toBe(200)
    expect(await statusOf(body, { signedBody: 'encoded' })).toBe(401)
  })

  test('needs no content type: what JSON or XML it is not is text', async () => {
    const proof = { scheme: 'hmac', header: 'x-signature', ...secrets(SECRET) }
    const id = await world.integration({ proof })
    const signed = (body: string) =>
      world.ask(`/integration/${id}`, { body, headers: { 'x-signature': sign(body) } })
    expect(await signed('Hello, World!')).toMatchObject(ACCEPTED)
    expect((await world.eventOf(id)).payload).toBe('Hello, World!')
    const open = await world.integration()
    expect((await world.ask(`/integration/${open}`, { body: 'Hello, World!' })).status).toBe(415)
  })

  test('becomes one event per element where its source sends batches, each told apart by itself', async () => {
    const id = await world.integration({ source: 'tilby' })
    const items = Array.from({ length: 80 }, (_, number) => ({ type: 'UPDATED', entity: { id: number } }))
    expect((await world.send(id, JSON.stringify(items))).status).toBe(200)
    expect(await world.api.events(`?integrationId=${id}&limit=500`)).toHaveLength(80)
    const whole = await world.integration({ source: 'tilby', split: false })
    await world.send(whole, JSON.stringify(items))
    expect(await world.api.events(`?integrationId=${whole}&limit=500`)).toHaveLength(1)
  })
})

describe('what is not proven', () => {
  test('is refused; the operator reads why, the sender does not', async () => {
    const id = await world.integration({ source: 'shopify', proof: secrets(SECRET) })
    const answer = await world.send(id, '{"a":1}', shopify('{"a": 1}'))
    expect(answer).toMatchObject({
      status: 401,
      body: '{"result":false,"error":"The proof of the sender is missing or wrong"}',
    })
    const [request] = await eventually(async () => {
      const found = await world.requests(`integrationId=${id}`)
      expect(found).toHaveLength(1)
      return found
    })
    expect(request).toMatchObject({ outcome: 'unproven', status: 401 })
    expect(request?.detail).toContain('signed with another secret, or the body was changed on the way')
  })

  test('is held where its integration wants that: answered 200, never run, never a duplicate of the true one', async () => {
    const id = await world.integration({
      source: 'woocommerce',
      proof: secrets(SECRET),
      onUnproven: 'quarantine',
    })
    const headers = (body: string, secret: string) => ({
      'x-wc-webhook-topic': 'order.created',
      'x-wc-webhook-id': '7',
      'x-wc-webhook-delivery-id': 'd1',
      'x-wc-webhook-signature': sign(body, secret),
    })
    expect(await world.send(id, '{"id":1}', headers('{"id":1}', 'wrong'))).toMatchObject(ACCEPTED)
    expect(await world.send(id, '{"id":1}', headers('{"id":1}', SECRET))).toMatchObject(ACCEPTED)
    const events = await world.api.events(`?integrationId=${id}`)
    expect(events.map((event: { state: string }) => event.state)).toEqual(['queued', 'quarantined'])
    expect((await world.api.event(events[1].id)).runs).toEqual([])
    expect(await world.requests(`integrationId=${id}&outcome=quarantined`)).toHaveLength(1)
    const lines = world.lines.filter((line) => line.includes('held in quarantine') && line.includes(id))
    expect(lines.map((line) => JSON.parse(line).status)).toEqual([200])
  })

  test('is refused all the same where the source asks whether we can tell', async () => {
    const id = await world.integration({ source: 'xero', proof: secrets(SECRET), onUnproven: 'quarantine' })
    const intent = '{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"x"}'
    expect((await world.send(id, intent, { 'x-xero-signature': sign('another') })).status).toBe(401)
    expect((await world.send(id, intent, { 'x-xero-signature': sign(intent) })).status).toBe(200)
  })

  test('is refused again when the quarantine of its integration is full', async () => {
    const id = await world.integration({
      source: 'woocommerce',
      proof: secrets(SECRET),
      onUnproven: 'quarantine',
    })
    const statuses: number[] = []
    for (let sent = 0; sent < 5; sent++) statuses.push((await world.send(id, `{"id":${sent}}`)).status)
    expect(statuses).toEqual([200, 200, 200, 401, 401])
  })
})

describe('a handshake', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }

  test('of WooCommerce is answered 200 without proof, and queues nothing', async () => {
    const id = await world.integration({ source: 'woocommerce', proof: secrets(SECRET) })
    expect((await world.send(id, 'webhook_id=142', form)).status).toBe(200)
    expect(await world.api.events(`?integrationId=${id}`)).toEqual([])
    await eventually(async () =>
      expect(await world.requests(`integrationId=${id}&outcome=handshake`)).toMatchObject([
        { detail: 'ping' },
      ]),
    )
    expect((await world.send(id, 'webhook_id=142&x=1', form)).status).toBe(401)
    expect((await world.send(id, 'webhook_id=142', { ...form, 'x-wc-webhook-topic': 'a' })).status).toBe(401)
  })

  test('that comes too often is told to wait', async () => {
    const id = await world.integration({ source: 'woocommerce', proof: secrets(SECRET) })
    const statuses = await Promise.all(
      Array.from({ length: 30 }, async () => (await world.send(id, 'webhook_id=1', form)).status),
    )
    expect(statuses.filter((status) => status === 200)).toHaveLength(20)
    expect(statuses.filter((status) => status === 429)).toHaveLength(10)
  })

  test('is answered only by the preset that knows it', async () => {
    const id = await world.integration({ source: 'shopify', proof: secrets(SECRET) })
    expect((await world.send(id, 'webhook_id=142', form)).status).toBe(401)
    expect((await world.ask(`/integration/${id}?challenge=1`, { method: 'GET' })).status).toBe(405)
  })

  test('of Tilby pins its sender, but only while the operator waits for one', async () => {
    const subscribed = (environment: string) =>
      JSON.stringify({
        type: 'SUBSCRIBED',
        entity_name: 'sales',
        time: '2026-02-23T15:43:31.714Z',
        environment_id: environment,
        client_id: 'client-1',
      })
    const event = (environment: string) =>
      JSON.stringify({
        type: 'CREATED',
        environment_id: environment,
        client_id: 'client-1',
        entity: { id: 1 },
      })
    const id = await world.integration({ source: 'tilby', proof: {} })
    expect((await world.send(id, event('shop-1'))).status).toBe(401)
    expect((await world.send(id, subscribed('shop-1'))).status).toBe(200)
    expect((await world.send(id, event('shop-1'))).status).toBe(200)
    expect((await world.send(id, event('shop-2'))).status).toBe(401)
    expect((await world.send(id, subscribed('shop-2'))).status).toBe(403)
    expect((await world.send(id, subscribed('shop-1'))).status).toBe(200)
    expect(await world.api.events(`?integrationId=${id}`)).toHaveLength(1)
  })
})

describe('the answer', () => {
  test('is that of the source, unless the integration has its own', async () => {
    const plain = await world.integration({ source: 'bigcommerce' })
    const answer = await world.send(plain)
    expect(answer).toMatchObject({ status: 200, body: '' })
    expect(answer.headers['content-type']).toBeUndefined()
    const own = await world.integration({
      source: 'twilio',
      reply: { status: 201, contentType: 'text/xml', body: '<Response/>' },
    })
    expect(await world.send(own)).toMatchObject({
      status: 201,
      headers: { 'content-type': 'text/xml' },
      body: '<Response/>',
    })
  })

  test('to "come again" is one that the source understands', async () => {
    const limits = { requestsPerSecondMax: 0.001 }
    const statusOf = async (definition: object) => {
      const id = await world.integration({ limits, ...definition })
      await world.send(id)
      return (await world.send(id)).status
    }
    expect(await statusOf({ source: 'openticket' })).toBe(429)
    expect(await statusOf({ source: 'adobe-io-events' })).toBe(503)
    expect(await statusOf({ source: 'openticket', retryStatus: 400 })).toBe(400)
  })

  test('stands in log and ledger with the status that the sender was told', async () => {
    const id = await world.integration({
      source: 'openticket',
      reply: { status: 201 },
      retryStatus: 400,
      limits: { requestsPerSecondMax: 0.001 },
    })
    const told = [(await world.send(id)).status, (await world.send(id)).status]
    expect(told).toEqual([201, 400])
    const ends = [
      ['accepted', 201],
      ['rate_limited', 400],
    ]
    const lines = world.lines
      .map((line) => JSON.parse(line))
      .filter(({ integrationId }) => integrationId === id)
    expect(lines.map(({ outcome, status }) => [outcome, status])).toEqual(ends)
    await eventually(async () => {
      const rows = await world.requests(`integrationId=${id}`)
      expect(rows.map(({ outcome, status }) => [outcome, status]).toSorted()).toEqual(ends)
    })
  })

  test('to a wrong proof of Xero says nothing but 401', async () => {
    const id = await world.integration({ source: 'xero', proof: secrets(SECRET) })
    const answer = await world.send(id, '{"events":[]}', { 'x-xero-signature': sign('{"events":[] }') })
    expect(answer).toMatchObject({ status: 401, body: '' })
    expect(answer.headers['set-cookie']).toBeUndefined()
    const intent = '{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"x"}'
    expect(await world.send(id, intent, { 'x-xero-signature': sign(intent) })).toMatchObject({
      status: 200,
      body: '',
    })
    expect(await world.api.events(`?integrationId=${id}`)).toEqual([])
  })
})

describe('the address that a signature covers', () => {
  const squareOf = (url: string, body: string) => ({ 'x-square-hmacsha256-signature': sign(`${url}${body}`) })

  test('is the configured one with the path and query that were called, never the Host header', async () => {
    const id = await world.integration({ source: 'square', proof: secrets(SECRET) })
    const path = `/integration/${id}?a=1`
    const send = (url: string) =>
      world.ask(path, {
        body: '{}',
        headers: { 'content-type': 'application/json', host: 'evil.example', ...squareOf(url, '{}') },
      })
    expect((await send(`${world.gateway.url}${path}`)).status).toBe(200)
    expect((await send(`http://evil.example${path}`)).status).toBe(401)
  })

  test('may be another at the source, where a proxy changes it', async () => {
    const publicUrl = 'https://hooks.shop.example/square'
    const id = await world.integration({ source: 'square', proof: secrets(SECRET), publicUrl })
    expect((await world.send(id, '{}', squareOf(publicUrl, '{}'))).status).toBe(200)
    expect((await world.send(id, '{}', squareOf(`${publicUrl}/`, '{}'))).status).toBe(401)
  })
})
