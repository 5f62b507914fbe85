import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '../../src/platform/ids.ts'
import { entryOf, holdOne } from '../ledger/world.ts'
import { cameTo, openRoad, type Road } from '../road/world.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { startTestGateway } from '../world/gateway.ts'
import { type Dying, openDying } from './dying.ts'

let road: Road
/** What the receiver answers, by path. */
const answers = new Map<string, number>()

beforeAll(async () => {
  road = await openRoad()
  road.receiver.answerWith(({ url }) => answers.get(url) ?? 200)
})
afterAll(() => road.close())

const start = (body: object) => road.api.call('POST', '/replays', body)
const find = async (id: string) => (await road.api.call('GET', `/replays/${id}`)).body
const cancel = (id: string) => road.api.call('POST', `/replays/${id}/cancel`)

async function ended(id: string): Promise<any> {
  return eventually(async () => {
    const replay = await find(id)
    if (replay.state === 'running') throw new Error(`still running: ${replay.done} of ${replay.matched} done`)
    return replay
  }, 60_000)
}

let shop: Dying
let path: string
let count = 0
beforeEach(async () => {
  count += 1
  path = `/orders-${count}`
  answers.set(path, 400)
  shop = await openDying(road, path)
})

/** So many orders that the destination refused. */
async function refused(many: number): Promise<void> {
  const bodies = Array.from({ length: many }, (_, n) => `{"n":${n}}`)
  await Promise.all(bodies.map((body) => road.world.send(shop.integration, body)))
  await eventually(async () => expect(await dead()).toBe(many), 60_000)
}

async function dead(filter: object = { destinationId: shop.destination }): Promise<number> {
  return (await start({ of: 'dead-letters', filter, estimate: true })).body.matched
}

describe('a replay of dead letters', () => {
  test('does as many as its estimate says, oldest first, and tells its progress', async () => {
    await refused(5)
    const filter = { destinationId: shop.destination, reason: 'bad_payload' }
    const estimate = await start({ of: 'dead-letters', filter, estimate: true })
    expect(estimate).toEqual({ status: 200, body: { matched: 5, tooMany: false } })
    answers.set(path, 200)
    const { status, body } = await start({ of: 'dead-letters', filter, perSecond: 200 })
    expect([status, body]).toMatchObject([202, { of: 'dead-letters', filter, matched: 5, perSecond: 200 }])
    expect(await ended(body.id)).toMatchObject({ state: 'done', done: 5, failed: 0, failures: [] })
    await eventually(() => expect(cameTo(road.receiver, path)).toHaveLength(10))
    expect(cameTo(road.receiver, path).slice(5).toSorted()).toEqual([0, 1, 2, 3, 4].map((n) => `{"n":${n}}`))
    expect(await dead()).toBe(0)
    const listed = (await road.api.call('GET', '/replays?limit=1')).body
    expect(listed.items).toMatchObject([{ id: body.id, state: 'done' }])
    expect(listed.next).toBe(body.id)
  })

  test('goes no faster than asked, and what is cancelled midway stays where it is', async () => {
    await refused(40)
    answers.set(path, 200)
    const filter = { destinationId: shop.destination }
    const { body } = await start({ of: 'dead-letters', filter, perSecond: 5 })
    await eventually(async () => expect((await find(body.id)).done).toBeGreaterThanOrEqual(5))
    const both = await Promise.all([cancel(body.id), cancel(body.id)])
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409])
    const cancelled = await find(body.id)
    expect(cancelled).toMatchObject({ state: 'cancelled', matched: 40, failed: 0 })
    expect(cancelled.done).toBeLessThan(40)
    expect(await dead()).toBe(40 - cancelled.done)
    await eventually(() => expect(cameTo(road.receiver, path)).toHaveLength(40 + cancelled.done))

    const again = await start({ of: 'dead-letters', filter, perSecond: 200 })
    expect(again.body.matched).toBe(40 - cancelled.done)
    expect(await ended(again.body.id)).toMatchObject({ state: 'done', done: again.body.matched })
    expect(await find(body.id)).toEqual(cancelled)
    expect(await dead()).toBe(0)
  })

  test('leaves out what somebody else has dealt with meanwhile, and says so', async () => {
    await refused(3)
    const filter = { destinationId: shop.destination }
    const { items } = (await road.api.call('GET', `/dead-letters?destinationId=${shop.destination}`)).body
    const [newest] = items
    await road.world.gateway.ledger.pauseDestination(shop.destination, 'so that nothing ends meanwhile')
    const { body } = await start({ of: 'dead-letters', filter, perSecond: 1 })
    expect((await road.api.call('POST', `/dead-letters/${newest.id}/discard`)).status).toBe(200)
    expect(await ended(body.id)).toMatchObject({
      state: 'done',
      matched: 3,
      done: 2,
      failed: 1,
      failures: [{ id: newest.id, kind: 'delivery', reason: 'it is "discarded" by now' }],
    })
  })

  test('sends nothing to a destination that is disabled', async () => {
    await refused(2)
    await road.api.call('PATCH', `/destinations/${shop.destination}`, { enabled: false })
    const { body } = await start({ of: 'dead-letters', filter: { destinationId: shop.destination } })
    expect(await ended(body.id)).toMatchObject({
      done: 0,
      failed: 2,
      failures: [{ reason: 'its destination is disabled' }, { reason: 'its destination is disabled' }],
    })
    expect(await dead()).toBe(2)
  })

  test('gives runs that died a new run, with the definition that is asked for', async () => {
    await road.api.rewriteFunction(road.shop, `throws-${count}`, `throw new Error('no')`)
    const nodes = [{ id: 'push', kind: 'push', destination: shop.destination, function: `throws-${count}` }]
    const integration = await road.integration(nodes)
    for (const n of [1, 2, 3]) await road.world.send(integration, `{"n":${n}}`)
    const filter = { integrationId: integration }
    await eventually(async () => expect(await dead(filter)).toBe(3))
    const push = { id: 'push', kind: 'push', destination: shop.destination }
    await road.api.call('PATCH', `/integrations/${integration}`, { definition: { nodes: [push] } })
    answers.set(path, 200)

    const then = await start({ of: 'dead-letters', filter, definition: 'then', perSecond: 200 })
    expect(await ended(then.body.id)).toMatchObject({ done: 3, failed: 0 })
    await eventually(async () => expect(await dead(filter)).toBe(3))
    expect(cameTo(road.receiver, path)).toEqual([])
    const current = await start({ of: 'dead-letters', filter, perSecond: 200 })
    expect(await ended(current.body.id)).toMatchObject({ done: 3, failed: 0 })
    await eventually(() => expect(cameTo(road.receiver, path)).toHaveLength(3))
    await eventually(async () => expect(await dead(filter)).toBe(0))
  })
})

describe('a replay of events', () => {
  test('takes those in the state that is asked for, narrowed down as the list of events is', async () => {
    await refused(3)
    answers.set(path, 200)
    await road.world.send(shop.integration, '{"n":"fine"}')
    await road.api.eventIn(shop.integration, 'delivered')
    const estimate = async (filter: object) =>
      (await start({ of: 'events', filter: { integrationId: shop.integration, ...filter }, estimate: true }))
        .body.matched
    expect(await estimate({})).toBe(3)
    expect(await estimate({ state: 'delivered' })).toBe(1)
    expect(await estimate({ text: '"n":1' })).toBe(1)
    expect(await estimate({ to: '2020-01-01T00:00:00Z' })).toBe(0)
    const { body } = await start({
      of: 'events',
      filter: { integrationId: shop.integration, text: '"n":1' },
      perSecond: 200,
    })
    expect(await ended(body.id)).toMatchObject({ of: 'events', matched: 1, done: 1 })
    await eventually(() => expect(cameTo(road.receiver, path)).toHaveLength(5))
    expect(cameTo(road.receiver, path).at(-1)).toBe('{"n":1}')
    await eventually(async () => expect(await estimate({})).toBe(2))
  })

  test('never takes what is in quarantine, was discarded from there, or is a duplicate', async () => {
    const { ledger } = road.world.gateway
    const of = { integrationId: shop.integration, applicationId: road.shop }
    await holdOne(ledger, of)
    await ledger.discardEvent(await holdOne(ledger, of), 'not ours')
    const key = { key: newId(), windowSeconds: 60 }
    await ledger.record(entryOf(of, { dedupe: key, runId: newId() }))
    await ledger.record(entryOf(of, { dedupe: key }))
    const listed = await road.api.events(`?integrationId=${shop.integration}`)
    expect(listed.map(({ state }: { state: string }) => state).toSorted()).toEqual(
      expect.arrayContaining(['discarded', 'duplicate', 'quarantined']),
    )
    const ask = (state: string) =>
      start({ of: 'events', filter: { integrationId: shop.integration, state }, estimate: true })
    expect((await ask('discarded')).body.matched).toBe(0)
    for (const state of ['quarantined', 'duplicate', 'queued', 'delivering'])
      expect(await ask(state)).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'filter.state', message: expect.stringContaining('quarantine') }] },
      })
  })

  test('of an integration that was deleted is refused for each', async () => {
    await refused(2)
    await road.api.call('DELETE', `/integrations/${shop.integration}`)
    const { body } = await start({ of: 'events', filter: { integrationId: shop.integration } })
    expect(await ended(body.id)).toMatchObject({
      done: 0,
      failed: 2,
      failures: [{ kind: 'event', reason: 'its integration was deleted' }, {}],
    })
  })
})

describe('a replay of so many that it takes several seconds', { timeout: 180_000 }, () => {
  const all = Array.from({ length: 100 }, (_, n) => `{"n":${n}}`)
  /** Ten deliveries of each. */
  const lists = Array.from({ length: 10 }, (_, n) => `[${all.slice(n * 10, n * 10 + 10)}]`)

  test('is worked off by all processes together, each letter once', async () => {
    await Promise.all(lists.map((body) => road.world.send(shop.integration, body)))
    await eventually(async () => expect(await dead()).toBe(100), 60_000)
    answers.set(path, 200)
    const { DATABASE_URL: databaseUrl } = road.world.env
    const others = await Promise.all(
      [1, 2].map(() => startTestGateway({ databaseUrl: databaseUrl ?? '', role: 'edge' })),
    )
    const filter = { destinationId: shop.destination }
    const { body } = await start({ of: 'dead-letters', filter, perSecond: 35 })
    expect(await ended(body.id)).toMatchObject({ state: 'done', matched: 100, done: 100, failed: 0 })
    await eventually(() => expect(cameTo(road.receiver, path)).toHaveLength(200), 60_000)
    expect(cameTo(road.receiver, path).slice(100).toSorted()).toEqual(all.toSorted())
    await Promise.all(others.map((other) => other.close()))
  })

  test('counts a letter once to which two processes come at the same time', async () => {
    await refused(3)
    answers.set(path, 200)
    const databaseUrl = road.world.env.DATABASE_URL ?? ''
    const other = await startTestGateway({ databaseUrl, role: 'edge' })
    const sql = postgres(databaseUrl, { max: 2 })
    const held = Promise.withResolvers<void>()
    const { promise: isHeld, resolve: hold } = Promise.withResolvers<void>()
    const holding = sql.begin(async (transaction) => {
      await transaction`SELECT id FROM deliveries WHERE destination_id = ${shop.destination} FOR UPDATE`
      hold()
      await held.promise
    })
    await isHeld
    const { body } = await start({ of: 'dead-letters', filter: { destinationId: shop.destination } })
    const waiting = async () => {
      const [row] = await sql`
        SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      return row?.count
    }
    await eventually(async () => expect(await waiting()).toBeGreaterThan(0), 60_000)
    // Each of them looks for work once a second.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    held.resolve()
    await holding
    expect(await ended(body.id)).toMatchObject({ state: 'done', matched: 3, done: 3, failed: 0 })
    await eventually(() => expect(cameTo(road.receiver, path)).toHaveLength(6), 60_000)
    await other.close()
    await sql.end()
  })

  test('goes on after a restart, each letter once', async () => {
    const database = await freshDatabase()
    const before = await openRoad({ databaseUrl: database.url })
    const { receiver } = before
    receiver.answerWith(400)
    const { integration } = await openDying(before, '/')
    await Promise.all(lists.map((body) => before.world.send(integration, body)))
    const ask = (body: object) =>
      before.api.call('POST', '/replays', { of: 'dead-letters', filter: {}, ...body })
    await eventually(async () => expect((await ask({ estimate: true })).body.matched).toBe(100), 60_000)
    receiver.answerWith(200)
    const { id } = (await ask({ perSecond: 20 })).body
    await eventually(async () =>
      expect((await before.api.call('GET', `/replays/${id}`)).body.done).toBeGreaterThan(0),
    )
    await before.world.close()

    const after = await startTestGateway({
      databaseUrl: database.url,
      // What lay in the queue of the process that ended is found soon.
      env: { ...before.world.env, LOST_SECONDS: '1', SWEEP_SECONDS: '1' },
    })
    const find = async () => (await after.api.call('GET', `/replays/${id}`)).body
    const resumed = await find()
    expect(resumed).toMatchObject({ state: 'running', failed: 0 })
    expect(resumed.done).toBeLessThan(100)
    await eventually(
      async () => expect(await find()).toMatchObject({ state: 'done', done: 100, failed: 0 }),
      60_000,
    )
    await eventually(() => expect(receiver.requests).toHaveLength(200), 60_000)
    expect(
      receiver.requests
        .slice(100)
        .map(({ body }) => body.toString())
        .toSorted(),
    ).toEqual(all.toSorted())
    await after.close()
    await receiver.close()
    await database.drop()
  })
})

test('a replay that finds nothing is done, and one that is not there is missing', async () => {
  const { body } = await start({ of: 'dead-letters', filter: { destinationId: newId() } })
  expect(body).toMatchObject({ state: 'done', matched: 0, endedAt: expect.any(String) })
  expect((await cancel(body.id)).body.detail).toBe('this replay has ended')
  expect((await road.api.call('GET', `/replays/${newId()}`)).status).toBe(404)
  expect((await cancel(newId())).status).toBe(404)
  expect((await start({ filter: {} })).status).toBe(400)
  expect((await start({ of: 'dead-letters', filter: { topic: 'x' } })).status).toBe(400)
  expect((await start({ of: 'dead-letters', filter: {}, perSecond: 0 })).status).toBe(400)
})
