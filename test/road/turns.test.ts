import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../world/eventually.ts'
import { startTestGateway, type TestGateway } from '../world/gateway.ts'
import type { Answering, Received } from '../world/receiver.ts'
import { cameTo, openRoad, type Road } from './world.ts'

/** Two workers and an edge on one Redis. */
let road: Road
let second: TestGateway
/** What the receiver does with a path; 200 unless said. */
const answers = new Map<string, (received: Received) => Answering | Promise<Answering>>()
const arrivals: { path: string; body: string; atMs: number; status: number }[] = []

beforeAll(async () => {
  road = await openRoad({
    queue: 'bullmq',
    env: { DELIVERY_CONCURRENCY: '12', DATABASE_CONNECTIONS_MAX: '16', DRAIN_MS: '500' },
  })
  const { DATABASE_URL = '', ...env } = road.world.env
  second = await startTestGateway({ role: 'worker', databaseUrl: DATABASE_URL, env })
  road.receiver.answerWith(async (received) => {
    const atMs = performance.now()
    const answer = (await answers.get(received.url)?.(received)) ?? 200
    const status = typeof answer === 'number' ? answer : 0
    arrivals.push({ path: received.url, body: received.body.toString(), atMs, status })
    return answer
  })
})

afterAll(async () => {
  await second.close()
  await road.close()
})

interface Line {
  path: string
  destination: string
  send(body: object): Promise<void>
  /** What it answered 200 to. */
  delivered(): { body: any; atMs: number }[]
}

let lines = 0

/** An integration that leads to a destination of its own. */
async function line(config: object = {}, push: object = {}): Promise<Line> {
  lines += 1
  const path = `/line-${lines}`
  const destination = await road.destination(path, config)
  const id = await road.integration([{ id: 'push', kind: 'push', destination, ...push }])
  return {
    path,
    destination,
    async send(body) {
      expect((await road.world.send(id, JSON.stringify(body))).status).toBe(200)
    },
    delivered: () =>
      arrivals
        .filter((arrival) => arrival.path === path && arrival.status === 200)
        .map(({ body, atMs }) => ({ body: JSON.parse(body), atMs })),
  }
}

async function waitFor(one: Line, count: number, withinMs = 20_000): Promise<void> {
  await eventually(() => expect(one.delivered()).toHaveLength(count), withinMs)
}

const oneByOne = (count: number, bodyOf: (index: number) => object) =>
  Array.from({ length: count }, (_, index) => bodyOf(index))

async function sendAll(one: Line, bodies: object[]): Promise<void> {
  for (const body of bodies) await one.send(body)
}

const QUICK = { retry: { kind: 'fixed', delayMs: 100, triesMax: 20 }, circuit: false }

test('what goes out under one order key arrives in the order in which it came in, over two workers and failures', async () => {
  const one = await line(QUICK, { orderKey: '{{ order.id }}' })
  let count = 0
  answers.set(one.path, () => (++count % 3 === 0 ? 503 : 200))
  await sendAll(
    one,
    oneByOne(60, (n) => ({ order: { id: n % 5 }, n })),
  )
  await waitFor(one, 60, 40_000)
  for (let key = 0; key < 5; key++) {
    const numbers = one
      .delivered()
      .map(({ body }) => body)
      .filter(({ order }) => order.id === key)
      .map(({ n }) => n)
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(numbers).toHaveLength(12)
  }
}, 60_000)

test('destinations that hang hold only their own places: all others get everything', async () => {
  const hanging = await Promise.all([line({ timeoutMs: 120_000 }), line({ timeoutMs: 120_000 })])
  for (const one of hanging) answers.set(one.path, () => ({ mode: 'hang' }))
  const others = await Promise.all([line(), line(), line()])
  // More of each than both workers make attempts at once, and first.
  const many = oneByOne(40, (n) => ({ n }))
  await takingManyAtOnce(async () => {
    for (const one of hanging) await sendAll(one, many)
  })
  for (const one of others) await sendAll(one, many.slice(0, 20))
  for (const one of others) await waitFor(one, 20)
  // A quarter of both workers.
  for (const one of hanging) expect(cameTo(road.receiver, one.path).length).toBeLessThanOrEqual(2 * 3)
  for (const { destination } of hanging) await road.world.gateway.ledger.pauseDestination(destination, 'done')
}, 60_000)

/** Holds up the workers, so that what is sent meanwhile is taken at one moment. */
async function takingManyAtOnce(send: () => Promise<void>): Promise<void> {
  const sql = postgres(road.world.env.DATABASE_URL ?? '', { max: 1, onnotice: () => {} })
  try {
    await sql.begin(async (held) => {
      await held`LOCK TABLE destination_states IN ACCESS EXCLUSIVE MODE`
      await send()
      await eventually(async () => {
        const taking = await held`
          SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
            AND query LIKE '%UPDATE deliveries SET state = ''sending''%'`
        expect(taking.length).toBeGreaterThan(2 * 3)
      })
    })
  } finally {
    await sql.end()
  }
}

test('a rate holds over both workers, by the clock of the receiver', async () => {
  const one = await line({ rateMax: { count: 20, perSeconds: 2 } })
  await sendAll(
    one,
    oneByOne(50, (n) => ({ n })),
  )
  await waitFor(one, 50, 30_000)
  const times = one.delivered().map(({ atMs }) => atMs)
  const most = Math.max(
    ...times.map((from) => times.filter((atMs) => atMs >= from && atMs < from + 2_000).length),
  )
  // What is on its way can bunch up a little.
  expect(most).toBeLessThanOrEqual(23)
}, 60_000)

test('a paused destination gets nothing, and on resuming everything, the highest priority first', async () => {
  const { ledger } = road.world.gateway
  const destination = await road.destination('/priorities', { concurrencyMax: 1 })
  const send = async (priority: number, n: number) => {
    const id = await road.integration([{ id: 'push', kind: 'push', destination, priority }])
    await road.world.send(id, JSON.stringify({ n }))
    await road.api.eventIn(id, 'delivering')
  }
  await ledger.pauseDestination(destination, 'by the test')
  for (const [index, priority] of [9, 5, 0].entries()) await send(priority, index)
  expect(cameTo(road.receiver, '/priorities')).toEqual([])
  await ledger.resumeDestination(destination)
  await eventually(() =>
    expect(cameTo(road.receiver, '/priorities')).toEqual(['{"n":2}', '{"n":1}', '{"n":0}']),
  )
})

test('a circuit keeps the backlog while the destination fails, and lets it go when a probe arrives', async () => {
  const circuit = { attemptsMin: 5, pauseSeconds: 0.3, pauseSecondsMax: 0.3 }
  const one = await line({
    concurrencyMax: 4,
    circuit,
    retry: { kind: 'fixed', delayMs: 100, triesMax: 2 },
  })
  let ill = true
  answers.set(one.path, () => (ill ? 503 : 200))
  const beganAtMs = performance.now()
  await sendAll(
    one,
    oneByOne(40, (n) => ({ n })),
  )
  const { ledger } = road.world.gateway
  const circuitOf = async () =>
    (await ledger.findDestinationStates()).find(({ destinationId }) => destinationId === one.destination)
      ?.circuit
  await eventually(async () => expect(await circuitOf()).toMatch(/open|probing/))
  const before = cameTo(road.receiver, one.path).length
  const probesMax = (performance.now() - beganAtMs) / 300
  // Probes that fail go one by one, more of them than a delivery has tries.
  await eventually(() => expect(cameTo(road.receiver, one.path).length).toBeGreaterThanOrEqual(before + 4))
  expect(before).toBeLessThan(20 + probesMax)
  ill = false
  await eventually(async () => expect(await circuitOf()).toBeUndefined())
  // A delivery that had both its tries before the circuit opened is dead; no other is.
  await eventually(() => expect(one.delivered().length).toBeGreaterThanOrEqual(36))
}, 60_000)

test('a unique key sends the newest of what came in a burst', async () => {
  const one = await line({ concurrencyMax: 1 }, { uniqueKey: '{{ sku }}' })
  const { ledger } = road.world.gateway
  await ledger.pauseDestination(one.destination, 'by the test')
  await sendAll(
    one,
    oneByOne(20, (n) => ({ sku: n % 2 ? 'odd' : 'even', n })),
  )
  await eventually(async () => {
    const { items } = (await road.api.call('GET', '/events?status=superseded&limit=100')).body
    expect(items.length).toBeGreaterThanOrEqual(18)
  })
  await ledger.resumeDestination(one.destination)
  await waitFor(one, 2)
  const numbers = one.delivered().map(({ body }) => body.n)
  expect(numbers).toEqual([18, 19])
})

describe('a delay', () => {
  test('is kept over a restart of everything', async () => {
    const first = await openRoad()
    const { DATABASE_URL = '', ...env } = first.world.env
    try {
      const destination = await first.destination('/delayed')
      const id = await first.integration([{ id: 'push', kind: 'push', destination, delaySeconds: 600 }])
      await first.world.send(id, '{"n":1}')
      await first.api.eventIn(id, 'delivering')
      await first.world.gateway.close()
      const sql = postgres(DATABASE_URL, { max: 1 })
      await sql`UPDATE deliveries SET due_at = due_at - interval '598 seconds' WHERE state = 'delayed'`
      await sql.end()
      const again = await startTestGateway({ databaseUrl: DATABASE_URL, env })
      try {
        await first.receiver.received(1)
        const { items } = (await again.api.call('GET', `/events?integrationId=${id}`)).body
        // Its answer is written down a moment after it came.
        const attempt = await eventually(async () => {
          const { runs } = (await again.api.call('GET', `/events/${items[0].id}`)).body
          const [made] = runs[0].deliveries[0].attempts
          expect(made).toBeDefined()
          return made
        })
        const waitedMs = Date.parse(attempt.startedAt) - Date.parse(items[0].receivedAt)
        expect(waitedMs).toBeGreaterThanOrEqual(1_990)
      } finally {
        await again.close()
      }
    } finally {
      await first.close()
    }
  })
})

test('a key that an item does not have fails its run, and says which', async () => {
  const destination = await road.destination('/keyless')
  const id = await road.integration([
    { id: 'push', kind: 'push', destination, orderKey: '{{ order.number }}' },
  ])
  await road.world.send(id, '{"order":{"id":1}}')
  const { runs } = await road.api.eventIn(id, 'dead')
  expect(runs[0].reason).toContain('node "push": its orderKey cannot be filled in: unknown field')
})
