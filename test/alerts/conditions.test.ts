/** Each condition, provoked by what really happens to events. */
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cameTo, type Road } from '../road/world.ts'
import { eventually } from '../world/eventually.ts'
import { startTestGateway } from '../world/gateway.ts'
import { created, type Looker, openLooker, openQuietRoad, webhookChannel } from './world.ts'

const MINUTE_MS = 60_000
const ONCE = { retry: { kind: 'fixed', delayMs: 1_000, triesMax: 1 } }
const LATER = { retry: { kind: 'fixed', delayMs: 3_600_000, triesMax: 5 } }

let road: Road
let looker: Looker

beforeAll(async () => {
  road = await openQuietRoad()
  looker = openLooker(road)
})
afterAll(async () => {
  await looker.close()
  await road.close()
})

const push = (destination: string) => ({ id: 'push', kind: 'push', destination })
const status = new Map<string, number>()

/** A destination whose answers the test chooses. */
async function destination(path: string, config: object = {}): Promise<string> {
  road.receiver.answerWith(({ url }) => status.get(url) ?? 200)
  return road.destination(path, config)
}

async function rule(body: object): Promise<void> {
  await created(road, '/alert-rules', body)
}

async function about(condition: string, id: string) {
  return (await looker.open(condition)).filter(
    ({ integrationId, destinationId }) => integrationId === id || destinationId === id,
  )
}

async function sendAndWait(integration: string, body: string, state: string): Promise<string> {
  await road.world.send(integration, body)
  return (await road.api.eventIn(integration, state)).id
}

describe('dead_delivery', () => {
  test('is open once a delivery died, counts and names why, and is over when its event was replayed', async () => {
    status.set('/dead', 500)
    const id = await destination('/dead', ONCE)
    const orders = await road.integration([push(id)])
    await looker.look()
    expect(await about('dead_delivery', id)).toEqual([])
    await sendAndWait(orders, '{"order":1}', 'dead')
    await looker.look()
    const [incident] = await about('dead_delivery', id)
    expect(incident).toMatchObject({ applicationId: road.shop, integrationId: null, destinationId: id })
    expect(incident?.sentence).toBe(
      '1 delivery to destination "receiver" died: server_error: the destination answered 500; that was the last of 1 tries',
    )
    await road.world.send(orders, '{"order":2}')
    await eventually(async () =>
      expect(await road.api.events(`?integrationId=${orders}&status=dead`)).toHaveLength(2),
    )
    await looker.look()
    expect(await about('dead_delivery', id)).toEqual([
      expect.objectContaining({ id: incident?.id, sentence: expect.stringMatching(/^2 deliveries to/) }),
    ])
    status.set('/dead', 200)
    for (const one of await road.api.events(`?integrationId=${orders}&status=dead`))
      await road.api.call('POST', `/events/${one.id}/replay`)
    await eventually(async () =>
      expect(await road.api.events(`?integrationId=${orders}&status=delivered`)).toHaveLength(2),
    )
    await looker.look()
    expect(await about('dead_delivery', id)).toEqual([])
    expect((await looker.recovered('dead_delivery')).map((one) => one.id)).toContain(incident?.id)
  })

  test('says that it is more than it counts when it is, and of one attempt that it was the last', async () => {
    status.set('/many', 500)
    const id = await destination('/many', ONCE)
    await rule({ destinationId: id, when: { condition: 'failing_destination', failures: 1 } })
    await sendAndWait(await road.integration([push(id)]), '{}', 'dead')
    const sql = postgres(road.world.env.DATABASE_URL ?? '', { max: 1 })
    await sql`
      INSERT INTO deliveries
      SELECT (jsonb_populate_record(delivery, jsonb_build_object('id', uuidv7()))).*
      FROM deliveries delivery, generate_series(1, 1500) WHERE destination_id = ${id}`
    await sql.end()
    await looker.look()
    const sentences = [...(await about('dead_delivery', id)), ...(await about('failing_destination', id))]
    expect(sentences.map(({ sentence }) => sentence)).toEqual([
      expect.stringMatching(/^at least 1000 deliveries to destination "receiver" died: /),
      expect.stringMatching(/^the last attempt at destination "receiver" failed: /),
    ])
  })

  test('is over when nothing else died for the quiet time', async () => {
    status.set('/quiet', 500)
    const id = await destination('/quiet', ONCE)
    await rule({ destinationId: id, when: { condition: 'dead_delivery', quietMinutes: 10 } })
    await sendAndWait(await road.integration([push(id)]), '{}', 'dead')
    await looker.look(9 * MINUTE_MS)
    expect(await about('dead_delivery', id)).toHaveLength(1)
    await looker.look(11 * MINUTE_MS)
    expect(await about('dead_delivery', id)).toEqual([])
  })
})

describe('dead_run and failing_function', () => {
  const THROWS =
    "if (job.data.data.bad) throw new Error('no customer'); return { jobStatus: 1, data: job.data.data }"

  test('an event that dies before any delivery is a dead run, and several in a row a failing function', async () => {
    const id = await destination('/function')
    await road.api.rewriteFunction(road.shop, 'orders', THROWS)
    const orders = await road.integration([
      { id: 'rewrite', kind: 'transform', function: 'orders', next: ['push'] },
      push(id),
    ])
    await rule({ integrationId: orders, when: { condition: 'failing_function', failures: 3 } })
    await sendAndWait(orders, '{"bad":1}', 'dead')
    await looker.look()
    expect((await about('dead_run', orders))[0]?.sentence).toMatch(
      /^1 event of integration "orders" died: node "rewrite": rewrite function "orders" .*no customer/,
    )
    expect(await about('failing_function', orders)).toEqual([])
    for (const order of [2, 3]) await road.world.send(orders, `{"bad":${order}}`)
    await eventually(async () =>
      expect(await road.api.events(`?integrationId=${orders}&status=dead`)).toHaveLength(3),
    )
    await looker.look()
    expect((await about('failing_function', orders))[0]?.sentence).toMatch(
      /^the last 3 runs of integration "orders" died at a rewrite function: .*no customer/,
    )
    await sendAndWait(orders, '{"good":1}', 'delivered')
    await looker.look()
    expect(await about('failing_function', orders)).toEqual([])
    // The three are still there for somebody to look at.
    expect((await about('dead_run', orders))[0]?.sentence).toMatch(/^3 events /)
  })

  test('runs whose deliveries died are neither', async () => {
    status.set('/neither', 500)
    const orders = await road.integration([push(await destination('/neither', ONCE))])
    await rule({ integrationId: orders, when: { condition: 'failing_function', failures: 1 } })
    await sendAndWait(orders, '{}', 'dead')
    await looker.look()
    expect(await about('dead_run', orders)).toEqual([])
    expect(await about('failing_function', orders)).toEqual([])
  })

  test('a mapping that fails is no failing function', async () => {
    const orders = await road.integration([
      { id: 'map', kind: 'transform', mapping: { n: { from: 'n', transforms: ['number'], required: true } } },
    ])
    await rule({ integrationId: orders, when: { condition: 'failing_function', failures: 1 } })
    await sendAndWait(orders, '{}', 'dead')
    await looker.look()
    expect(await about('dead_run', orders)).toHaveLength(1)
    expect(await about('failing_function', orders)).toEqual([])
  })
})

describe('failing_destination', () => {
  test('is open after so many failed attempts in a row, of whatever deliveries, and over with the first success', async () => {
    status.set('/failing', 503)
    const id = await destination('/failing', LATER)
    const orders = await road.integration([push(id)])
    await rule({ destinationId: id, when: { condition: 'failing_destination', failures: 3 } })
    for (const order of [1, 2]) await road.world.send(orders, `{"order":${order}}`)
    await attempts(2)
    await looker.look()
    expect(await about('failing_destination', id)).toEqual([])
    await road.world.send(orders, '{"order":3}')
    await attempts(3)
    await looker.look()
    expect((await about('failing_destination', id))[0]?.sentence).toBe(
      'the last 3 attempts at destination "receiver" failed: server_error: the destination answered 503',
    )
    status.set('/failing', 200)
    await sendAndWait(orders, '{"order":4}', 'delivered')
    await looker.look()
    expect(await about('failing_destination', id)).toEqual([])

    async function attempts(count: number): Promise<void> {
      await eventually(async () => {
        const rows = await looker.sql`SELECT 1 FROM attempts WHERE destination_id = ${id}`
        expect(rows).toHaveLength(count)
      })
    }
  })
})

describe('open_circuit', () => {
  test('is told while a destination gets nothing but probes, and over when one has succeeded', async () => {
    status.set('/circuit', 503)
    const circuit = { attemptsMin: 2, failureRate: 1, pauseSeconds: 0.1 }
    const id = await destination('/circuit', { ...LATER, circuit })
    const orders = await road.integration([push(id)])
    await rule({ destinationId: id, when: { condition: 'failing_destination' }, enabled: false })
    await webhookChannel(road, '/told-of-circuits', { destinations: [id] })
    await looker.look()
    expect(await about('open_circuit', id)).toEqual([])
    for (const order of [1, 2]) await road.world.send(orders, `{"order":${order}}`)
    await eventually(async () => {
      await looker.look()
      expect(await about('open_circuit', id)).toHaveLength(1)
    })
    expect((await about('open_circuit', id))[0]?.sentence).toBe(
      'the circuit of destination "receiver" is open: 2 of the latest 2 attempts failed',
    )
    await looker.send()
    status.set('/circuit', 200)
    await sendAndWait(orders, '{"order":3}', 'delivered')
    await eventually(async () => {
      await looker.look()
      expect(await about('open_circuit', id)).toEqual([])
    })
    await looker.send()
    const told = cameTo(road.receiver, '/told-of-circuits').map((body) => JSON.parse(body))
    expect(told).toMatchObject([
      { type: 'incident.opened', data: { incident: { condition: 'open_circuit', destinationId: id } } },
      { type: 'incident.recovered', data: { incident: { condition: 'open_circuit', destinationId: id } } },
    ])
  })
})

describe('backlog', () => {
  test('is open when more wait than should and the oldest for too long; what is between two tries waits too', async () => {
    status.set('/backlog', 503)
    const id = await destination('/backlog', LATER)
    const orders = await road.integration([push(id)])
    await rule({
      destinationId: id,
      when: { condition: 'backlog', deliveriesMax: 2, olderThanMinutes: 15 },
    })
    for (const order of [1, 2, 3]) await road.world.send(orders, `{"order":${order}}`)
    await eventually(async () => {
      const rows = await looker.sql`
        SELECT 1 FROM deliveries WHERE destination_id = ${id} AND state = 'retrying'`
      expect(rows).toHaveLength(3)
    })
    await looker.look(14 * MINUTE_MS)
    expect(await about('backlog', id)).toEqual([])
    await looker.look(16 * MINUTE_MS)
    expect((await about('backlog', id))[0]?.sentence).toBe(
      'more than 2 deliveries wait for destination "receiver", the oldest for 16 minutes',
    )
    await looker.sql`
      UPDATE deliveries SET state = 'delivered' WHERE id = (
        SELECT id FROM deliveries WHERE destination_id = ${id} LIMIT 1)`
    await looker.look(16 * MINUTE_MS)
    expect(await about('backlog', id)).toEqual([])
  })
})

describe('quarantine', () => {
  test('is open while an integration holds events, and over when an operator has decided about them', async () => {
    const id = await destination('/held')
    const orders = await road.integration([push(id)], {
      source: 'generic',
      proof: { scheme: 'hmac', header: 'x-signature', secrets: [{ secret: 'a secret of some length' }] },
      onUnproven: 'quarantine',
    })
    const answer = await road.world.send(orders, '{"order":1}', { 'x-signature': 'ab'.repeat(32) })
    expect(answer.status).toBe(200)
    const held = await road.api.eventIn(orders, 'quarantined')
    await looker.look()
    expect((await about('quarantine', orders))[0]?.sentence).toBe(
      'integration "orders" holds 1 event in quarantine',
    )
    await road.api.call('POST', `/events/${held.id}/discard`, {})
    await looker.look()
    expect(await about('quarantine', orders)).toEqual([])
  })
})

describe('old_secret', () => {
  const definition = (retiresAt: string) => ({
    source: 'generic',
    proof: {
      scheme: 'hmac',
      header: 'x-signature',
      secrets: [
        { id: 'new', secret: 'a new secret of some length' },
        { id: 'old', secret: 'an old secret of some length', retiresAt },
      ],
    },
  })
  const days = (count: number) => new Date(Date.now() + count * 86_400_000).toISOString()

  test('is open while a secret that ends soon is still used, whatever the new one does, and names no secret', async () => {
    const nodes = [{ id: 'map', kind: 'transform' }]
    const soon = await road.integration(nodes, definition(days(3)))
    const late = await road.integration(nodes, definition(days(30)))
    const { integrations } = road.world.gateway
    await integrations.noteSecretUses([
      { integrationId: soon, secretId: 'new', at: new Date() },
      { integrationId: late, secretId: 'old', at: new Date() },
    ])
    await looker.look()
    expect(await looker.open('old_secret')).toEqual([])
    await integrations.noteSecretUses([{ integrationId: soon, secretId: 'old', at: new Date() }])
    await looker.look()
    expect(await looker.open('old_secret')).toEqual([expect.objectContaining({ integrationId: soon })])
    expect((await about('old_secret', soon))[0]?.sentence).toBe(
      'the sender of integration "orders" still uses secret "old", which retires in 2 days',
    )
    // A day without a use.
    await looker.look(25 * 60 * MINUTE_MS)
    expect(await looker.open('old_secret')).toEqual([])
  })
})

describe('silence', () => {
  test('is looked at only where a rule gives a period, and is over with the next event', async () => {
    const nodes = [{ id: 'map', kind: 'transform' }]
    const [watched, other] = [await road.integration(nodes), await road.integration(nodes)]
    await rule({ integrationId: watched, when: { condition: 'silence', silentAfterMinutes: 60 } })
    for (const id of [watched, other]) await sendAndWait(id, '{}', 'empty')
    await looker.look(59 * MINUTE_MS)
    expect(await looker.open('silence')).toEqual([])
    await looker.look(181 * MINUTE_MS)
    expect(await looker.open('silence')).toEqual([
      expect.objectContaining({
        integrationId: watched,
        sentence: 'integration "orders" has received nothing for 3 hours',
      }),
    ])
    await road.world.send(watched, '{"again":1}')
    await looker.look()
    expect(await looker.open('silence')).toEqual([])
  })

  test('one that never received anything is silent since its rule was made', async () => {
    const never = await road.integration([{ id: 'map', kind: 'transform' }])
    await rule({ integrationId: never, when: { condition: 'silence', silentAfterMinutes: 60 } })
    await looker.look()
    expect(await about('silence', never)).toEqual([])
    await looker.look(61 * MINUTE_MS)
    expect(await about('silence', never)).toHaveLength(1)
  })

  test('what is held in quarantine proves no life', async () => {
    const orders = await road.integration([{ id: 'map', kind: 'transform' }], {
      source: 'generic',
      proof: { scheme: 'hmac', header: 'x-signature', secrets: [{ secret: 'a secret of some length' }] },
      onUnproven: 'quarantine',
    })
    await rule({ integrationId: orders, when: { condition: 'silence', silentAfterMinutes: 1 } })
    await road.world.send(orders, '{}', { 'x-signature': 'ab'.repeat(32) })
    await road.api.eventIn(orders, 'quarantined')
    expect(await road.world.gateway.ledger.findLastHeard([orders])).toEqual(new Map())
  })
})

test('processing_delay is open while events wait for a worker, and over when one has come', async () => {
  const { DATABASE_URL: databaseUrl = '' } = road.world.env
  const env = { ALERT_SECONDS: '86400', OUTBOUND_ALLOWED: `127.0.0.1:${road.receiver.port}` }
  const orders = await road.integration([push(await destination('/delay'))])
  await road.world.gateway.close()
  const edge = await startTestGateway({ role: 'edge', databaseUrl, env })
  await eventually(async () => expect((await edge.send(orders, '{"order":1}')).status).toBe(200))
  const looking = openLooker({ ...road, world: edge })
  await looking.look(4 * MINUTE_MS)
  expect(await looking.open('processing_delay')).toEqual([])
  await looking.look(6 * MINUTE_MS)
  expect(await looking.open('processing_delay')).toEqual([
    expect.objectContaining({
      integrationId: orders,
      sentence: 'events of integration "orders" wait to be processed, the oldest for 6 minutes',
    }),
  ])
  const worker = await startTestGateway({
    role: 'worker',
    databaseUrl,
    env: { ...env, SWEEP_SECONDS: '1', LOST_SECONDS: '1' },
  })
  await edge.api.eventIn(orders, 'delivered')
  await looking.look(6 * MINUTE_MS)
  expect(await looking.open('processing_delay')).toEqual([])
  await looking.close()
  await worker.close()
  await edge.close()
})
