import { gzipSync } from 'node:zlib'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../world/eventually.ts'
import type { QueueEngine } from '../world/gateway.ts'
import type { Answering, Received } from '../world/receiver.ts'
import { openRoad, type Road } from './world.ts'

/** Long enough that what is sent here in one go comes together, however slow the machine is. */
const FULL = { waitMs: 600_000 }
const QUICK = { retry: { kind: 'fixed', delayMs: 100, triesMax: 4 }, circuit: false }

const roads = new Map<QueueEngine, Road>()
/** What the receiver does with a path; 200 unless said. */
const answers = new Map<string, (received: Received) => Answering>()
let lines = 0

beforeAll(async () => {
  for (const queue of ['in-process', 'bullmq'] as const) {
    const road = await openRoad({ queue })
    road.receiver.answerWith((received) => answers.get(received.url)?.(received) ?? 200)
    roads.set(queue, road)
  }
})

afterAll(async () => {
  for (const road of roads.values()) await road.close()
})

interface Line {
  road: Road
  id: string
  path: string
  destination: string
  send(...bodies: object[]): Promise<void>
  /** What came there so far. */
  pushes(): Received[]
  deliveries(query?: string): Promise<any[]>
}

/** An integration that leads to a destination of its own. */
async function line(
  config: object,
  { push = {}, definition = {}, queue = 'in-process' as QueueEngine } = {},
): Promise<Line> {
  const road = roads.get(queue)
  if (!road) throw new Error(`no road over ${queue}`)
  lines += 1
  const path = `/line-${lines}`
  const destination = await road.destination(path, config)
  const id = await road.integration([{ id: 'push', kind: 'push', destination, ...push }], definition)
  return {
    road,
    id,
    path,
    destination,
    async send(...bodies) {
      for (const body of bodies) expect((await road.world.send(id, JSON.stringify(body))).status).toBe(200)
    },
    pushes: () => road.receiver.requests.filter(({ url }) => url === path),
    async deliveries(query = '') {
      const { body } = await road.api.call(
        'GET',
        `/deliveries?destinationId=${destination}&limit=100${query}`,
      )
      return body.items.toSorted((a: any, b: any) => (a.eventId < b.eventId ? -1 : 1))
    },
  }
}

const numbered = (count: number) => Array.from({ length: count }, (_, n) => ({ n }))
const bodyOf = ({ body }: Received) => JSON.parse(body.toString())

async function inStates(one: Line, states: Record<string, number>): Promise<any[]> {
  return eventually(async () => {
    const deliveries = await one.deliveries()
    const found = Object.groupBy(deliveries, ({ state }) => state)
    const counts = Object.fromEntries(Object.entries(found).map(([state, all]) => [state, all?.length]))
    expect(counts).toEqual(states)
    return deliveries
  })
}

describe.each<QueueEngine>(['in-process', 'bullmq'])('a batch over the %s queue', (queue) => {
  test('is one push of several deliveries, each of which is its own', async () => {
    const one = await line({ batch: { ...FULL, itemsMax: 5 } }, { queue })
    await one.send(...numbered(5))
    await inStates(one, { delivered: 5 })
    await one.send(...numbered(2))
    const deliveries = await inStates(one, { delivered: 5, waiting: 2 })
    const [push, ...others] = one.pushes()
    expect(others).toEqual([])
    expect(push && bodyOf(push)).toEqual(numbered(5))
    const batchId = push?.headers['webhook-id']
    expect(push?.headers).toMatchObject({ 'idempotency-key': batchId, 'sluice-attempt': '1' })
    expect(deliveries.map((delivery) => delivery.batchId)).toEqual([...Array(5).fill(batchId), null, null])
    expect(await one.deliveries(`&batchId=${batchId}`)).toHaveLength(5)
    const { body } = await one.road.api.call('GET', `/deliveries/${deliveries[3].id}`)
    expect(body).toMatchObject({
      item: { n: 3 },
      tries: 1,
      attempts: [{ verdict: 'delivered', status: 200, batchId }],
    })
    expect(body.attempts[0].request.headers).toContainEqual(['webhook-id', batchId])
  })

  test('that fails comes again as the same, until it arrives', async () => {
    const one = await line({ ...QUICK, batch: { itemsMax: 3, waitMs: 600_000, idField: 'id' } }, { queue })
    answers.set(one.path, () => (one.pushes().length < 3 ? 503 : 200))
    await one.send(...numbered(3))
    await inStates(one, { delivered: 3 })
    const [first, ...again] = one.pushes()
    expect(again).toHaveLength(2)
    for (const [index, push] of again.entries()) {
      expect(push.body).toEqual(first?.body)
      expect(push.headers['webhook-id']).toBe(first?.headers['webhook-id'])
      expect(push.headers['sluice-attempt']).toBe(String(index + 2))
    }
  })
})

describe('a batch', () => {
  test('goes when the first of it has waited long enough', async () => {
    const one = await line({ batch: { waitMs: 700 } })
    await one.send(...numbered(3))
    await inStates(one, { delivered: 3 })
    const items = one.pushes().flatMap(bodyOf)
    expect(items.toSorted((a, b) => a.n - b.n)).toEqual(numbered(3))
    expect(one.pushes().length).toBeLessThan(3)
  })

  test('is signed as a whole, as Standard Webhooks asks for it', async () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    const auth = { kind: 'standardWebhooks', secrets: [{ secret }] }
    const one = await line({ auth, batch: { ...FULL, itemsMax: 2, as: 'ndjson' } })
    await one.send(...numbered(2))
    await inStates(one, { delivered: 2 })
    const [push] = one.pushes()
    expect(push?.headers['content-type']).toBe('application/x-ndjson')
    const headers = push?.headers as Record<string, string>
    expect(() => new Webhook(secret).verify(push?.body.toString() ?? '', headers)).toThrow(SyntaxError)
    expect(() => new Webhook(secret).verify(`${push?.body}x`, headers)).toThrow(/signature/)
  })

  test('with results ends what was taken, gives up what never will be, and tries the rest again in a later one', async () => {
    const results = {
      path: 'results',
      valuePath: 'status',
      match: 'id',
      matchPath: 'id',
      success: ['ok'],
      dead: ['bad'],
    }
    const one = await line({ ...QUICK, batch: { itemsMax: 4, waitMs: 300, idField: 'id', results } })
    answers.set(one.path, ({ body }) => {
      const items: { id: string; n: number }[] = JSON.parse(body.toString())
      const statusOf = (n: number) => (n === 1 ? 'bad' : n === 2 && one.pushes().length < 3 ? 'later' : 'ok')
      return {
        status: 200,
        body: JSON.stringify({ results: items.map(({ id, n }) => ({ id, status: statusOf(n) })) }),
      }
    })
    const { ledger } = one.road.world.gateway
    await ledger.pauseDestination(one.destination, 'until all are there')
    await one.send(...numbered(4))
    await inStates(one, { waiting: 4 })
    await ledger.resumeDestination(one.destination)
    const deliveries = await inStates(one, { delivered: 3, dead: 1 })
    expect(deliveries.map(({ tries }) => tries)).toEqual([1, 1, 3, 1])
    expect(one.pushes().map((push) => bodyOf(push).map(({ n }: { n: number }) => n))).toEqual([
      [0, 1, 2, 3],
      [2],
      [2],
    ])
    const { id, reason } = deliveries[1]
    expect(reason).toContain('item_refused: the destination answered 200, and of this item: bad')
    // A dead letter of a batch is replayed by itself.
    answers.delete(one.path)
    answers.set(one.path, ({ body }) => {
      const items: { id: string }[] = JSON.parse(body.toString())
      return {
        status: 200,
        body: JSON.stringify({ results: items.map((item) => ({ id: item.id, status: 'ok' })) }),
      }
    })
    expect((await one.road.api.call('POST', `/deliveries/${id}/replay`)).status).toBe(202)
    await inStates(one, { delivered: 4, superseded: 1 })
  })

  test('that is refused for one of its items is sent apart where the destination asks for that', async () => {
    const batch = { ...FULL, itemsMax: 3 }
    const [apart, together] = await Promise.all([
      line({ ...QUICK, batch: { ...batch, apart: true } }),
      line({ ...QUICK, batch }),
    ])
    const answer = ({ body }: Received) => (body.toString().includes('"n":1') ? 422 : 200)
    for (const one of [apart, together]) {
      answers.set(one.path, answer)
      await one.send(...numbered(3))
    }
    await inStates(together, { dead: 3 })
    const deliveries = await inStates(apart, { delivered: 2, dead: 1 })
    expect(deliveries.map(({ state }) => state)).toEqual(['delivered', 'dead', 'delivered'])
    expect(apart.pushes().slice(1).map(bodyOf)).toEqual(
      expect.arrayContaining(numbered(3).map((item) => [item])),
    )
    expect(deliveries[0].tries).toBe(2)
  })

  test('keeps the order of each key, over failures', async () => {
    const one = await line(
      { ...QUICK, batch: { itemsMax: 4, waitMs: 50 } },
      { push: { orderKey: '{{ key }}' } },
    )
    const arrived: { key: number; n: number }[] = []
    let count = 0
    answers.set(one.path, ({ body }) => {
      if (++count % 3 === 0) return 503
      arrived.push(...JSON.parse(body.toString()))
      return 200
    })
    await one.send(...Array.from({ length: 30 }, (_, n) => ({ key: n % 3, n })))
    await inStates(one, { delivered: 30 })
    for (let key = 0; key < 3; key++) {
      const numbers = arrived.filter((item) => item.key === key).map(({ n }) => n)
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
      expect(numbers).toHaveLength(10)
    }
  })

  test('of a destination that takes none any more goes one by one', async () => {
    const one = await line({ batch: { ...FULL, itemsMax: 2 } })
    await one.road.world.gateway.ledger.pauseDestination(one.destination, 'by the test')
    await one.send(...numbered(3))
    await inStates(one, { waiting: 3 })
    const { body } = await one.road.api.call('GET', `/destinations/${one.destination}`)
    const { batch: _, ...config } = body.config
    const change = { applicationId: body.applicationId, name: body.name, config }
    expect((await one.road.api.call('PATCH', `/destinations/${one.destination}`, change)).status).toBe(200)
    await one.road.world.gateway.ledger.resumeDestination(one.destination)
    await inStates(one, { delivered: 3 })
    expect(
      one
        .pushes()
        .map(bodyOf)
        .toSorted((a, b) => a.n - b.n),
    ).toEqual(numbered(3))
  })

  test('of one is what a test request is', async () => {
    const one = await line({ batch: {} })
    const { body } = await one.road.api.call('POST', `/destinations/${one.destination}/test`, {
      item: { n: 1 },
    })
    expect(body).toMatchObject({ delivered: true })
    expect(one.pushes().map(bodyOf)).toEqual([[{ n: 1 }]])
  })
})

describe('the original body', () => {
  test('arrives byte by byte, with its content type, whatever the nodes made of it', async () => {
    const one = await line({ format: 'original' }, { push: { mapping: { to: 'order.id' } } })
    const body = Buffer.from(
      '<?xml version="1.0" encoding="ISO-8859-1"?>\n<order  a=\'1\'><id>7\xe4</id></order>\n',
      'latin1',
    )
    const contentType = 'text/xml; charset=ISO-8859-1'
    await one.road.world.send(one.id, body, { 'content-type': contentType })
    await inStates(one, { delivered: 1 })
    const [push] = one.pushes()
    expect(push?.body).toEqual(body)
    expect(push?.headers['content-type']).toBe(contentType)
    expect(push?.headers).not.toHaveProperty('content-encoding')
  })

  test('stays compressed as it came, and says so', async () => {
    const one = await line({ format: 'original' })
    const body = gzipSync('{"n": 1}')
    await one.road.world.send(one.id, body, { 'content-encoding': 'gzip' })
    await inStates(one, { delivered: 1 })
    const [push] = one.pushes()
    expect(push?.body).toEqual(body)
    expect(push?.headers['content-encoding']).toBe('gzip')
  })

  test('is sent once where it is a list', async () => {
    const one = await line({ format: 'original' })
    await one.road.world.send(one.id, '[ {"n":1}, {"n":2} ]')
    await inStates(one, { delivered: 1 })
    expect(one.pushes().map(({ body }) => body.toString())).toEqual(['[ {"n":1}, {"n":2} ]'])
  })

  test('cannot be edited for a replay', async () => {
    const one = await line({ format: 'original' })
    await one.send({ n: 1 })
    const [{ id }] = await inStates(one, { delivered: 1 })
    const { api } = one.road
    expect((await api.call('POST', `/deliveries/${id}/replay`, { item: { n: 2 } })).status).toBe(409)
    expect((await api.call('POST', `/deliveries/${id}/replay`)).status).toBe(202)
    await inStates(one, { delivered: 2 })
  })

  test('is not what an element of a body has: refused when it is known, and dead with the reason when it comes', async () => {
    // A source that splits its batches by itself.
    const one = await line({ format: 'original' }, { definition: { source: 'tilby' } })
    await one.road.world.send(one.id, '[{"id":1},{"id":2}]')
    const deliveries = await inStates(one, { dead: 2 })
    expect(deliveries[0].reason).toContain('this event is one element of a body: it has none of its own')
    const { api } = one.road
    const split = { nodes: [{ id: 'push', kind: 'push', destination: one.destination }], split: 'orders' }
    const refused = await api.call('POST', '/integrations', {
      applicationId: one.road.shop,
      name: 'split',
      definition: split,
    })
    expect(refused).toMatchObject({
      status: 400,
      body: {
        errors: [{ path: 'definition.nodes.0.destination', message: expect.stringContaining('original') }],
      },
    })
    const plain = await line({}, { definition: { split: 'orders' } })
    const { body } = await api.call('GET', `/destinations/${plain.destination}`)
    const change = {
      applicationId: body.applicationId,
      name: body.name,
      config: { ...body.config, format: 'original' },
    }
    expect(await api.call('PATCH', `/destinations/${plain.destination}`, change)).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'config.format', message: expect.stringContaining(plain.id) }] },
    })
  })
})
