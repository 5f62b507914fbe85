import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openRoad, type Road } from '../road/world.ts'
import { freshDatabase } from '../world/database.ts'
import { type QueueEngine, startTestGateway, type TestGateway } from '../world/gateway.ts'
import type { Answering } from '../world/receiver.ts'

/** What Commerce is told without an answer of one's own. */
const USUAL = { status: 200, body: '{"op":"success"}' }
const SOURCE = { source: 'adobe-commerce-webhooks' }
const RESPOND = { deadlineMs: 10_000, body: '{"op":"replace","path":"price","value":{{ price }}}' }

describe.each<QueueEngine>(['in-process', 'bullmq'])('a sender that waits, on the %s queue', (queue) => {
  let road: Road
  let answer: Answering

  beforeAll(async () => {
    road = await openRoad({ queue })
    road.receiver.answerWith(() => answer)
  })
  afterAll(() => road.close())
  beforeEach(() => {
    answer = 200
  })

  const priced = (more: object = {}) => [
    { id: 'price', kind: 'transform', mapping: { price: 'order.total' }, next: [] },
    ...('nodes' in more ? (more.nodes as object[]) : []),
  ]
  const ask = (request: object = {}) => ({
    id: 'ask',
    kind: 'call',
    request: { url: `${road.receiver.url}/price`, ...request },
    result: 'replace',
    next: [],
  })
  const sent = async (nodes: object[], respond: object | null = RESPOND, more: object = {}, body = ORDER) => {
    const id = await road.integration(nodes, { ...SOURCE, ...more, respond })
    return { id, answered: await road.world.send(id, body) }
  }

  test('is answered from what the nodes gave, digit for digit', async () => {
    const { id, answered } = await sent(priced())
    expect(answered).toMatchObject({
      status: 200,
      body: '{"op":"replace","path":"price","value":820982911946154508}',
    })
    expect(answered.headers.get('content-type')).toBe('application/json')
    const { runs } = await road.api.eventIn(id, 'empty')
    expect(runs[0].answer).toEqual({ body: answered.body })
  })

  test('gets status, content type and language of the answer as the definition says', async () => {
    const respond = { ...RESPOND, status: 202, contentType: 'text/xml', body: '<p>{{ price }}</p>' }
    const { answered } = await sent(priced(), respond)
    expect([answered.status, answered.headers.get('content-type'), answered.body]).toEqual([
      202,
      'text/xml',
      '<p>820982911946154508</p>',
    ])
  })

  test('gets no length of a body beside a status without content', async () => {
    const { answered } = await sent(priced(), { ...RESPOND, status: 204 })
    expect(answered).toMatchObject({ status: 204, body: '' })
    expect(answered.headers.get('content-type')).toBe('application/json')
    expect(answered.headers.get('content-length')).toBeNull()
  })

  test('may be answered from the data of another node than the last, or from what another system said', async () => {
    const nodes = [
      { id: 'price', kind: 'transform', mapping: { price: 'order.total' }, next: ['note'] },
      { id: 'note', kind: 'transform', mapping: { note: { value: 'x' } }, next: [] },
    ]
    expect((await sent(nodes, { ...RESPOND, node: 'price' })).answered.body).toContain('820982911946154508')
    answer = { status: 200, headers: { 'content-type': 'application/json' }, body: '{"price":1.10}' }
    expect((await sent([ask()])).answered.body).toBe('{"op":"replace","path":"price","value":1.1}')
  })

  test('gets the usual answer past the deadline, and its event is kept and run all the same', async () => {
    const { promise: open, resolve } = Promise.withResolvers<void>()
    road.receiver.answerWith(async () => {
      await open
      return answer
    })
    const id = await road.integration([ask()], { ...SOURCE, respond: { ...RESPOND, deadlineMs: 100 } })
    expect(await road.world.send(id, ORDER)).toMatchObject(USUAL)
    expect(await road.api.events(`?integrationId=${id}`)).toMatchObject([{ state: 'queued' }])
    resolve()
    await road.api.eventIn(id, 'empty')
    road.receiver.answerWith(() => answer)
  })

  test.each<[string, () => [nodes: object[], respond: object, more?: object, body?: string], string]>([
    ['fails', () => [[ask({ url: 'http://127.0.0.1:1/' })], RESPOND], 'dead'],
    [
      'has to be made again',
      () => [[ask()], RESPOND, { retry: { kind: 'fixed', delayMs: 600_000 } }],
      'queued',
    ],
    ['lacks a field', () => [priced(), { ...RESPOND, body: '{{ nothing }}' }], 'empty'],
    ['never comes to the node', () => [[stop(), ...priced()], { ...RESPOND, node: 'price' }], 'filtered'],
  ])('gets the usual answer, without waiting, when the run %s', async (_name, given, state) => {
    answer = 503
    const { id, answered } = await sent(...given())
    expect(answered).toMatchObject(USUAL)
    const [event] = (await road.api.events(`?integrationId=${id}`)) as { id: string; state: string }[]
    expect(event?.state).toBe(state)
  })

  test('gets the usual answer to several events at once, and to one that came before', async () => {
    const { answered } = await sent(priced(), RESPOND, { split: 'orders' }, `{"orders":[${ORDER},${ORDER}]}`)
    expect(answered).toMatchObject(USUAL)
    const { id } = await sent(priced(), RESPOND, { dedupe: { by: 'body' } })
    expect(await road.world.send(id, ORDER)).toMatchObject(USUAL)
  })

  test('gets the usual answer at once where the definition says nothing', async () => {
    expect((await sent(priced(), null)).answered).toMatchObject(USUAL)
  })
})

const ORDER = '{"order":{"total":820982911946154508}}'
const stop = () => ({
  id: 'stop',
  kind: 'decision',
  branches: [{ when: { path: 'order.total', op: 'equals', value: 1 }, next: ['price'] }],
})

describe('a sender at an edge by itself', () => {
  let drop: () => Promise<void>
  let edge: TestGateway
  let worker: TestGateway | undefined
  let databaseUrl: string

  beforeAll(async () => {
    const database = await freshDatabase()
    ;({ drop, url: databaseUrl } = database)
    edge = await startTestGateway({ role: 'edge', queue: 'bullmq', databaseUrl })
  })
  afterEach(async () => {
    await worker?.close()
    worker = undefined
  })
  afterAll(async () => {
    await edge.close()
    await drop()
  })

  async function integration(respond: object): Promise<string> {
    const { id: shop } = await edge.api.application(`shop-${Math.random().toString(36).slice(2)}`)
    const nodes = [{ id: 'price', kind: 'transform', mapping: { price: 'order.total' }, next: [] }]
    return (await edge.api.integration(shop, { ...SOURCE, nodes, respond })).id
  }

  test('is answered by a worker in another process', async () => {
    const id = await integration(RESPOND)
    worker = await startTestGateway({ role: 'worker', queue: 'bullmq', databaseUrl, env: edge.env })
    expect((await edge.send(id, ORDER)).body).toContain('820982911946154508')
    expect((await edge.send(id, '{"order":{"total":1}}')).body).toContain('"value":1')
  })

  test('gets the usual answer when no worker is there, and its event waits for one', async () => {
    const id = await integration({ ...RESPOND, deadlineMs: 150 })
    expect(await edge.send(id, ORDER)).toMatchObject(USUAL)
    worker = await startTestGateway({ role: 'worker', queue: 'bullmq', databaseUrl, env: edge.env })
    await edge.api.eventIn(id, 'empty')
  })
})

test('a stop does not wait for senders that wait', { timeout: 12_000 }, async () => {
  const database = await freshDatabase()
  const edge = await startTestGateway({ role: 'edge', databaseUrl: database.url })
  const { id: shop } = await edge.api.application('shop')
  const nodes = [{ id: 'price', kind: 'transform', next: [] }]
  const respond = { ...RESPOND, deadlineMs: 15_000 }
  const { id } = await edge.api.integration(shop, { ...SOURCE, nodes, respond })
  const answered = edge.send(id, ORDER)
  await edge.api.eventIn(id, 'queued')
  await edge.close()
  expect(await answered).toMatchObject(USUAL)
  await database.drop()
})
