/** People may look for what they like, as long and as often as they like: the work goes on beside it. */
import postgres from 'postgres'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../world/gateway.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'

/** More than there are connections. */
const MANY = 20
/** Whoever reads a body that holds it waits while the test holds this lock. */
const SLOW = 'slow'
const LOCK = 4711

let database: Awaited<ReturnType<typeof freshDatabase>>
let world: TestGateway
let receiver: Receiver
let sql: postgres.Sql
let letGo: () => Promise<void>

beforeEach(async () => {
  receiver = await startReceiver()
  database = await freshDatabase()
  sql = postgres(database.url, { max: 3, onnotice: () => {} })
  await sql.unsafe(`
    CREATE FUNCTION public.convert_from(bytes bytea, encoding name) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
      IF position('${SLOW}'::bytea IN bytes) > 0 THEN PERFORM pg_advisory_xact_lock_shared(${LOCK}); END IF;
      RETURN pg_catalog.convert_from(bytes, encoding);
    END $$`)
  world = await startTestGateway({
    databaseUrl: `${database.url}?search_path=public,pg_catalog`,
    env: { OUTBOUND_ALLOWED: new URL(receiver.url).host, SEARCH_SECONDS: '3' },
  })
  letGo = async () => {}
})
afterEach(async () => {
  await letGo()
  await world.close()
  await sql`DROP FUNCTION public.convert_from(bytea, name)`
  await sql.end()
  await database.drop()
  await receiver.close()
})

/** Whoever reads the event that is slow waits from now on, as in a ledger without end; others do not. */
async function makeSlow(): Promise<void> {
  const locked = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const holding = sql.begin(async (transaction) => {
    await transaction`SELECT pg_advisory_xact_lock(${LOCK})`
    locked.resolve()
    await over.promise
  })
  await locked.promise
  letGo = async () => {
    over.resolve()
    await holding
  }
}

async function waitingSearches(): Promise<number> {
  const [row] = await sql<{ searches: number }[]>`
    SELECT count(*)::int AS searches FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`
  return row?.searches ?? 0
}

function search(path: string, signal?: AbortSignal) {
  return fetch(`${world.url}/api/v1${path}`, {
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    ...(signal && { signal }),
  })
}

/** An integration to send to, and an event of it that is slow to read. */
async function makeOrders(): Promise<{ orders: string; slowEvent: string }> {
  const { id: applicationId } = await world.api.application('shop')
  const { id: destination } = await world.api.destination(applicationId, receiver.url)
  const { id } = await world.api.integration(applicationId, {
    nodes: [{ id: 'send', kind: 'push', destination }],
  })
  expect((await world.send(id, `{"id":"${SLOW}"}`)).status).toBe(200)
  return { orders: id, slowEvent: (await world.api.eventIn(id, 'delivered')).id }
}

test('however many searches go on, what comes in is delivered meanwhile, and those that take too long are told so', async () => {
  const { orders } = await makeOrders()
  await makeSlow()
  const searches = Array.from({ length: MANY }, (_, index) => search(`/events?text=nobody${index}`))
  await eventually(async () => expect(await waitingSearches()).toBeGreaterThan(0))

  expect((await world.send(orders, '{"id":1}')).status).toBe(200)
  await receiver.received(2)
  expect((await world.api.call('GET', '/destinations')).status).toBe(200)
  const ready = await fetch(`${world.url}/health/ready`)
  expect(await ready.json()).toMatchObject({ status: 'up' })

  const answers = await Promise.all(
    searches.map(async (asked) => {
      const { status, detail } = (await (await asked).json()) as { status: number; detail: string }
      return `${status} ${detail}`
    }),
  )
  expect(new Set(answers)).toEqual(
    new Set([
      '422 this takes longer than 3 s (SEARCH_SECONDS): narrow it down, best by "from" and "to"',
      '422 other searches go on for longer than 3 s (SEARCH_SECONDS): try again in a moment',
    ]),
  )
})

test('who goes away takes his searches with him, those that wait and those that go on', async () => {
  await makeOrders()
  await makeSlow()
  const leaving = new AbortController()
  const left = Array.from({ length: MANY }, () =>
    search('/events?text=nobody', leaving.signal).catch(() => 'left'),
  )
  await eventually(async () => expect(await waitingSearches()).toBeGreaterThan(0))
  leaving.abort()
  expect(new Set(await Promise.all(left))).toEqual(new Set(['left']))

  await eventually(async () => expect(await waitingSearches()).toBe(0), 2_000)
  expect((await search('/deliveries')).status).toBe(200)
})

test('one event with all that became of it is put together at a time, and the work goes on beside that', async () => {
  const { orders, slowEvent } = await makeOrders()
  await makeSlow()
  const looks = Array.from({ length: MANY }, () => search(`/events/${slowEvent}`))
  await eventually(async () => expect(await waitingSearches()).toBe(1))
  expect((await world.send(orders, '{"id":2}')).status).toBe(200)
  await receiver.received(2)
  expect(await waitingSearches()).toBe(1)
  await letGo()
  for (const answer of await Promise.all(looks)) expect([200, 422]).toContain(answer.status)
})
