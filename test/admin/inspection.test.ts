import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entryOf, UNNAMED } from '../ledger/world.ts'
import { startTestGateway, type TestGateway } from '../world/gateway.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'

let world: TestGateway
let receiver: Receiver
let shop: { id: string }
let orders: { id: string }
let strict: { id: string }
let destinationId: string

const SOURCE = `console.log('order', jobData.job.data.data.id)
return { jobStatus: 1, data: jobData.job.data.data }`

beforeAll(async () => {
  receiver = await startReceiver()
  receiver.answerWith({ status: 201, headers: { 'x-crm': 'kept' }, body: '{"taken":true}' })
  world = await startTestGateway({ env: { OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port}` } })
  shop = await world.api.application('shop')
  const destination = await world.api.destination(shop.id, `${receiver.url}/orders`)
  destinationId = destination.id
  await world.api.rewriteFunction(shop.id, 'look', SOURCE)
  orders = await world.api.integration(shop.id, {
    dedupe: { by: 'fields', fields: ['id'] },
    nodes: [
      {
        id: 'look',
        kind: 'transform',
        function: 'look',
        mapping: { order: 'id', total: 'total' },
        next: ['push'],
      },
      { id: 'push', kind: 'push', destination: destination.id },
    ],
  })
  strict = await world.api.integration(shop.id, {
    proof: { scheme: 'header', header: 'x-key', secrets: [{ secret: 'right' }] },
    nodes: [{ id: 'map', kind: 'transform' }],
  })
})
afterAll(async () => {
  await world.close()
  await receiver.close()
})

const get = async (path: string) => (await world.api.call('GET', path)).body
const BODY = '{ "id": 820982911946154508,\n  "total": 12.50, "customer": "Zoë" }'

describe('one event', () => {
  let event: any
  beforeAll(async () => {
    await world.send(orders.id, BODY, { 'x-shopify-topic': 'orders/create' })
    event = await world.api.eventIn(orders.id, 'delivered')
  })

  test('shows its request as it came', () => {
    expect(event.request).toMatchObject({
      method: 'POST',
      path: `/integration/${orders.id}`,
      sourceIp: '127.0.0.1',
      contentType: 'application/json',
      body: { text: BODY },
      bodyBytes: Buffer.byteLength(BODY),
      outcome: 'accepted',
      status: 200,
    })
    expect(event.request.headers).toContainEqual(['x-shopify-topic', 'orders/create'])
    expect(Date.parse(event.receivedAt)).toBeGreaterThan(Date.now() - 60_000)
  })

  test('shows its payload, and long ids with all their digits', () => {
    expect(event.payload).toEqual({ id: 820982911946154508n, total: 12.5, customer: 'Zoë' })
    expect(event.dedupeKey).toBeTruthy()
  })

  test('shows what each node made of it, with the log of its function', () => {
    const [run] = event.runs
    expect(run).toMatchObject({ cause: 'received', state: 'delivered', definitionVersion: 1, reason: null })
    expect(run.nodes.map(({ nodeId }: { nodeId: string }) => nodeId)).toEqual(['look', 'push'])
    const [look] = run.nodes
    expect(look.output).toEqual({ order: 820982911946154508n, total: 12.5 })
    expect(look.functionVersion).toMatch(/^[0-9a-f]{64}$/)
    expect(look.wallMs).toBeGreaterThanOrEqual(0)
    expect(JSON.stringify(look.log)).toContain('820982911946154508')
  })

  test('shows its deliveries and each attempt with what was sent and answered', () => {
    const [delivery, ...others] = event.runs[0].deliveries
    expect(others).toEqual([])
    expect(delivery).toMatchObject({ destinationId, nodeId: 'push', state: 'delivered', tries: 1 })
    expect(delivery.item).toEqual({ order: 820982911946154508n, total: 12.5 })
    const [attempt] = delivery.attempts
    expect(attempt).toMatchObject({ number: 1, status: 201, responseBody: { text: '{"taken":true}' } })
    expect(JSON.stringify(attempt.responseHeaders)).toContain('x-crm')
    expect(JSON.stringify(attempt.request)).toContain(`${receiver.url}/orders`)
    expect(attempt.verdict).toBeTruthy()
    expect(attempt.timing).toEqual(expect.any(Object))
  })

  test('is replayed as a new run, which is told apart from the first', async () => {
    const before = receiver.requests.length
    const answer = await world.api.call('POST', `/events/${event.id}/replay`)
    expect(answer).toMatchObject({ status: 202, body: { runId: expect.any(String) } })
    await receiver.received(before + 1)
    const again = await world.api.eventIn(orders.id, 'delivered')
    expect(again.id).toBe(event.id)
    expect(again.runs.map(({ cause }: { cause: string }) => cause)).toEqual(['received', 'replay'])
    expect(again.latestRunId).toBe(answer.body.runId)
  })

  test('that is a duplicate names the first and is not replayed', async () => {
    expect((await world.send(orders.id, BODY)).status).toBe(200)
    const [duplicate] = await world.api.events(`?integrationId=${orders.id}&status=duplicate`)
    expect(duplicate).toMatchObject({ state: 'duplicate', duplicateOf: event.id })
    expect((await world.api.call('POST', `/events/${duplicate.id}/replay`)).status).toBe(409)
  })

  test('whose body is no text is shown in base64', async () => {
    const body = Buffer.from(
      '<?xml version="1.0" encoding="ISO-8859-1"?><order><name>Zoë</name></order>',
      'latin1',
    )
    await world.send(orders.id, body, { 'content-type': 'application/xml' })
    const [latest] = await world.api.events(`?integrationId=${orders.id}`)
    const shown = await world.api.event(latest.id)
    expect(shown.request.body).toEqual({ base64: body.toString('base64') })
    expect(shown.payload).toEqual({ order: { name: 'Zoë' } })
  })
})

describe('the lists', () => {
  const ids = (page: { items: { id: string }[] }) => page.items.map(({ id }) => id)
  let sent: string[]
  let plain: { id: string }
  const transform = { nodes: [{ id: 'map', kind: 'transform' }] }

  beforeAll(async () => {
    plain = await world.api.integration(shop.id, transform)
    for (const n of [1, 2, 3, 4, 5]) await world.send(plain.id, `{"n":${n},"note":"Grüße Nr. ${n}"}`)
    sent = ids(await get(`/events?integrationId=${plain.id}`))
  })

  test('are newest first and turn pages', async () => {
    expect(sent).toEqual(sent.toSorted().reverse())
    expect(sent).toHaveLength(5)
    const first = await get(`/events?integrationId=${plain.id}&limit=2`)
    const second = await get(`/events?integrationId=${plain.id}&limit=2&cursor=${first.next}`)
    const third = await get(`/events?integrationId=${plain.id}&limit=2&cursor=${second.next}`)
    expect([first, second, third].flatMap(ids)).toEqual(sent)
    expect(third.next).toBeNull()
  })

  test('are filtered by integration, application, state, address and key', async () => {
    const other = await world.api.application('other')
    expect(ids(await get(`/events?applicationId=${other.id}`))).toEqual([])
    const ofShop = ids(await get(`/events?applicationId=${shop.id}&limit=500`))
    expect(ofShop).toEqual(expect.arrayContaining(sent))
    expect(ofShop.length).toBeGreaterThan(sent.length)
    expect(ids(await get(`/events?integrationId=${plain.id}&sourceIp=127.0.0.1`))).toEqual(sent)
    expect(ids(await get(`/events?integrationId=${plain.id}&sourceIp=::ffff:127.0.0.1`))).toEqual(sent)
    expect(ids(await get(`/events?integrationId=${plain.id}&sourceIp=192.0.2.1`))).toEqual([])
    expect(ids(await get(`/events?integrationId=${plain.id}&status=dead`))).toEqual([])
    const delivered = await world.api.events(`?integrationId=${orders.id}&status=delivered`)
    const keyed = delivered.find(({ dedupeKey }: { dedupeKey: string | null }) => dedupeKey !== null)
    const ofKey = await get(`/events?dedupeKey=${encodeURIComponent(keyed.dedupeKey)}`)
    expect(ids(ofKey)).toContain(keyed.id)
    expect(new Set(ofKey.items.map((item: { dedupeKey: string }) => item.dedupeKey))).toEqual(
      new Set([keyed.dedupeKey]),
    )
  })

  test('are filtered by what the source says of them, which they show', async () => {
    const source = {
      topic: 'orders/paid',
      deliveryId: 'd-1',
      eventId: 'e-1',
      occurredAt: '2026-08-01T10:00:00.000Z',
      sender: 'one.myshopify.com',
    }
    const { id: integrationId } = await world.api.integration(shop.id, transform)
    const entry = entryOf({ integrationId, applicationId: shop.id }, { identity: source })
    await world.gateway.ledger.record(entry)
    const id = entry.events[0]?.id
    const queries = ['topic=orders%2Fpaid', 'sender=one.myshopify.com', 'sourceId=d-1', 'sourceId=e-1']
    for (const query of queries) {
      const { items } = await get(`/events?integrationId=${integrationId}&${query}`)
      expect(items).toMatchObject([{ id, source }])
    }
    expect(ids(await get(`/events?integrationId=${integrationId}&topic=orders`))).toEqual([])
    expect(await world.api.event(id ?? '')).toMatchObject({ source })
    expect((await world.api.event(sent[0] ?? '')).source).toEqual(UNNAMED)
  })

  test('are filtered by text in the payload, whatever its case', async () => {
    expect(ids(await get(`/events?text=${encodeURIComponent('GRÜSSE NR. 3')}`))).toEqual([])
    expect(ids(await get(`/events?text=${encodeURIComponent('grüße NR. 3')}`))).toEqual([sent[2]])
    expect(ids(await get(`/events?text=${encodeURIComponent("'; DROP TABLE events; --")}`))).toEqual([])
    expect(ids(await get(`/events?integrationId=${plain.id}&text=${encodeURIComponent('%')}%25`))).toEqual([])
  })

  test('are filtered by text however the encoder of their sender escapes it', async () => {
    const bodies = [
      '{"by":".NET","name":"Zo\\u00EB O\\u0027Brien","email":"zoe\\u002Bshop@example.com"}',
      '{"by":"Rails","name":"Tom \\u0026 Jerry \\u003cb\\u003e"}',
      '{"by":"Python","url":"https://x.example/caf\\u00e9"}',
      '{"by":"PHP","url":"https:\\/\\/y.example\\/caf\\u00e9","name":"\\u00c9cole d\\u00e9j\\u00e0"}',
      '{"by":"PHP unescaped","url":"https:\\/\\/z.example\\/café"}',
    ]
    const escaping = await world.api.integration(shop.id, transform)
    for (const body of bodies) expect((await world.send(escaping.id, body)).status).toBe(200)
    const found = async (text: string) => {
      const { items } = await get(`/events?integrationId=${escaping.id}&text=${encodeURIComponent(text)}`)
      const payloads = await Promise.all(items.map(({ id }: { id: string }) => world.api.event(id)))
      return payloads.map(({ payload }) => payload.by)
    }
    expect(await found("zoë o'brien")).toEqual(['.NET'])
    expect(await found('zoe+shop@example.com')).toEqual(['.NET'])
    expect(await found('Tom & Jerry <B>')).toEqual(['Rails'])
    expect(await found('x.example/café')).toEqual(['Python'])
    expect(await found('y.example/CAFÉ')).toEqual(['PHP'])
    expect(await found('école déjà')).toEqual(['PHP'])
    expect(await found('//z.example/café')).toEqual(['PHP unescaped'])
    expect(await found('"by":"Rails"')).toEqual(['Rails'])
    expect(await found('zoe shop@example.com')).toEqual([])
  })

  test('are filtered by time', async () => {
    const { items } = await get(`/events?integrationId=${plain.id}`)
    const moment = items[2].receivedAt
    const after = ids(await get(`/events?integrationId=${plain.id}&from=${moment}`))
    const before = ids(await get(`/events?integrationId=${plain.id}&to=${moment}`))
    expect([...after, ...before].toSorted()).toEqual(sent.toSorted())
    expect(after).toContain(items[0].id)
    expect(before).toContain(items[4].id)
    expect(ids(await get('/events?from=2099-01-01T00:00:00Z'))).toEqual([])
  })

  test('of requests show the refused ones with their reason, where the events have none', async () => {
    expect((await world.send(strict.id, '{}', { 'x-key': 'wrong' })).status).toBe(401)
    await expect
      .poll(async () => (await get(`/requests?integrationId=${strict.id}`)).items, { timeout: 10_000 })
      .toMatchObject([{ outcome: 'unproven', status: 401, detail: expect.stringContaining('secret') }])
    expect(await world.api.events(`?integrationId=${strict.id}`)).toEqual([])
    const accepted = await get(`/requests?integrationId=${plain.id}&outcome=accepted`)
    expect(accepted.items).toHaveLength(5)
  })
})
