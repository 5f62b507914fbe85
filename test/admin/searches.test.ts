/** People may look for what they like, as long and as often as they like: the work goes on beside it. */
import postgres from 'postgres'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../world/eventually.ts'
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../world/gateway.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'

/** More than there are connections. */
const MANY = 20
const LISTS = ['/events?text=nobody', '/events?topic=nothing', '/dead-letters']

let world: TestGateway
let receiver: Receiver
let sql: postgres.Sql
let letGo: () => Promise<void>

beforeEach(async () => {
  receiver = await startReceiver()
  world = await startTestGateway({
    // What looks by the clock would look at what is locked.
    env: { OUTBOUND_ALLOWED: new URL(receiver.url).host, ALERT_SECONDS: '3600', SEARCH_SECONDS: '3' },
  })
  sql = postgres(world.env.DATABASE_URL ?? '', { max: 2 })
})
afterEach(async () => {
  await letGo()
  await sql.end()
  await world.close()
  await receiver.close()
})

/** Whoever looks through all events waits, as in a ledger without end; those who know an id do not. */
async function makeSearchesSlow(): Promise<void> {
  const locked = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const holding = sql.begin(async (transaction) => {
    await transaction`LOCK TABLE events_default IN ACCESS EXCLUSIVE MODE`
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
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%events event%'`
  return row?.searches ?? 0
}

function search(path: string, signal?: AbortSignal) {
  return fetch(`${world.url}/api/v1${path}`, {
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    ...(signal && { signal }),
  })
}

async function makeOrders(): Promise<string> {
  const { id: applicationId } = await world.api.application('shop')
  const { id: destination } = await world.api.destination(applicationId, receiver.url)
  const { id } = await world.api.integration(applicationId, {
    nodes: [{ id: 'send', kind: 'push', destination }],
  })
  return id
}

test('however many searches go on, what comes in is delivered meanwhile, and those that take too long are told so', async () => {
  const orders = await makeOrders()
  await makeSearchesSlow()
  const searches = Array.from({ length: MANY }, (_, index) => search(LISTS[index % LISTS.length] ?? ''))
  await eventually(async () => expect(await waitingSearches()).toBeGreaterThan(0))

  expect((await world.send(orders, '{"id":1}')).status).toBe(200)
  await eventually(() => expect(receiver.received).toHaveLength(1))
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
  await makeSearchesSlow()
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
