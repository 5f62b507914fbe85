import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ReleaseRule, Turn } from '../../src/ledger/ledger.ts'
import { newId } from '../../src/platform/ids.ts'
import { freshDatabase } from '../world/database.ts'
import {
  attemptEnd,
  finishAttempt,
  openLedger,
  recordOne,
  ruleOf,
  runInto,
  type TestLedger,
  takeOf,
} from './world.ts'

let world: TestLedger
/** Another worker on the same database. */
let other: TestLedger
let drop: () => Promise<void>

beforeAll(async () => {
  const database = await freshDatabase()
  drop = database.drop
  world = openLedger(database.url)
  other = openLedger(database.url)
})

afterAll(async () => {
  await world.close()
  await other.close()
  await drop()
})

/** One event each, in this order; gives the deliveries. */
async function make(destinationId: string, turns: Partial<Turn>[]): Promise<string[]> {
  const made: string[] = []
  for (const turn of turns) {
    const { runId } = await recordOne(world.ledger)
    made.push(...(await runInto(world.ledger, runId, 1, { destinationId, turn })))
  }
  return made
}

const releaseAt = async (destinationId: string, more: Partial<ReleaseRule> = {}, ledger = world.ledger) =>
  (await ledger.release([ruleOf({ destinationId, ...more })])).released.map(({ id }) => id)

async function finish(id: string, state: 'delivered' | 'dead' | 'retrying', retryAfterMs = 0): Promise<void> {
  const taken = await world.ledger.takeDelivery(takeOf(id))
  if (!taken) throw new Error(`${id} cannot be taken`)
  await finishAttempt(world, attemptEnd(id, taken.number, state, retryAfterMs))
}

async function stateOf(id: string): Promise<string> {
  const [row] = await world.sql`SELECT state FROM deliveries WHERE id = ${id}`
  return row?.state
}

describe('what waits', () => {
  test('is released the highest priority first, and then in the order of its events', async () => {
    const destinationId = newId()
    const [fifth, fourth, second, third, first] = await make(destinationId, [
      { priority: 9 },
      { priority: 5 },
      { priority: 0 },
      { priority: 4 },
      { priority: 0 },
    ])
    expect(await releaseAt(destinationId, { concurrencyMax: 2 })).toEqual([second, first])
    await finish(second ?? '', 'delivered')
    await finish(first ?? '', 'delivered')
    expect(await releaseAt(destinationId)).toEqual([third, fourth, fifth])
  })

  test('is never more under way than the destination allows, however many workers release and finish', async () => {
    const destinationId = newId()
    const { runId } = await recordOne(world.ledger)
    await runInto(world.ledger, runId, 120, { destinationId, turn: {} })
    let underWay = 0
    let most = 0
    let ended = 0
    const workers = [world, other, world, other].map(async ({ ledger }) => {
      while (ended < 120) {
        const released = await releaseAt(destinationId, { concurrencyMax: 5 }, ledger)
        underWay += released.length
        most = Math.max(most, underWay)
        for (const id of released) {
          const taken = await ledger.takeDelivery(takeOf(id))
          // Before the commit: whoever sees its place free may release at once.
          underWay -= 1
          ended += 1
          await finishAttempt({ ledger, sql: world.sql }, attemptEnd(id, taken?.number ?? 0, 'delivered'))
        }
      }
    })
    await Promise.all(workers)
    expect(most).toBeLessThanOrEqual(5)
    expect(await releaseAt(destinationId)).toEqual([])
    const [row] = await world.sql`SELECT state FROM runs WHERE id = ${runId}`
    expect(row?.state).toBe('delivered')
  })

  test('is not released twice for one place, by workers of which one sees more urgent deliveries than the other', async () => {
    for (let round = 0; round < 40; round++) {
      const destinationId = newId()
      await make(destinationId, [{ priority: 9 }])
      const urgent = [8, 7, 6, 5].map((priority) => make(destinationId, [{ priority }]))
      const releases = Array.from({ length: 8 }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, index))
        return releaseAt(destinationId, { concurrencyMax: 1 }, (index % 2 ? world : other).ledger)
      })
      await Promise.all([...urgent, ...releases])
      const [row] = await world.sql`
        SELECT count(*)::int AS count FROM deliveries WHERE destination_id = ${destinationId} AND state = 'queued'`
      expect(row?.count).toBe(1)
    }
  })

  test('of one destination does not wait for another', async () => {
    const [full, free] = [newId(), newId()]
    await make(full, [{}, {}])
    const [id] = await make(free, [{}])
    await releaseAt(full, { concurrencyMax: 1 })
    const { released, left } = await world.ledger.release([
      ruleOf({ destinationId: full, concurrencyMax: 1 }),
      ruleOf({ destinationId: free, concurrencyMax: 1 }),
    ])
    expect(released.map((one) => one.id)).toEqual([id])
    expect(left.find(({ destinationId }) => destinationId === full)).toMatchObject({ waiting: true })
    expect(left.find(({ destinationId }) => destinationId === free)).toMatchObject({ waiting: false })
  })

  test('for its time is released when that has come', async () => {
    const destinationId = newId()
    const [id = ''] = await make(destinationId, [{ state: 'delayed', delayMs: 60_000 }])
    await world.ledger.ripenDue(1_000)
    expect(await releaseAt(destinationId)).toEqual([])
    await world.sql`UPDATE deliveries SET due_at = now() WHERE id = ${id}`
    expect((await world.ledger.ripenDue(1_000)).destinationIds).toContain(destinationId)
    expect(await world.ledger.findWaitingDestinations()).toContain(destinationId)
    expect(await releaseAt(destinationId)).toEqual([id])
    await finish(id, 'retrying', 60_000)
    expect((await world.ledger.ripenDue(1_000)).nextInMs).toBeGreaterThan(30_000)
    expect(await stateOf(id)).toBe('retrying')
  })

  test('goes at the rate that the destination allows, and the ledger says when the next may', async () => {
    const destinationId = newId()
    await make(
      destinationId,
      Array.from({ length: 30 }, () => ({})),
    )
    // A burst of two, and then one each 100 s / 19.
    const rateMax = { count: 20, perSeconds: 100 }
    expect(await releaseAt(destinationId, { rateMax })).toHaveLength(2)
    const { released, left } = await world.ledger.release([ruleOf({ destinationId, rateMax })])
    expect(released).toEqual([])
    expect(left[0]?.againInMs).toBeGreaterThan(3_000)
    expect(left[0]?.againInMs).toBeLessThan(5_300)
    const back = (seconds: number) => world.sql`
      UPDATE destination_states SET rate_free_at = rate_free_at - make_interval(secs => ${seconds})
      WHERE destination_id = ${destinationId}`
    await back(5.3)
    expect(await releaseAt(destinationId, { rateMax })).toHaveLength(1)
    await back(1_000)
    expect(await releaseAt(destinationId, { rateMax })).toHaveLength(2)
  })
})

describe('a destination that is paused', () => {
  test('gets nothing, and everything once it goes on', async () => {
    const destinationId = newId()
    const [queued = '', sending = ''] = await make(destinationId, [{ state: 'queued' }, { state: 'queued' }])
    const taken = await world.ledger.takeDelivery(takeOf(sending))
    await world.ledger.pauseDestination(destinationId, 'stocktaking')
    expect(await stateOf(queued)).toBe('waiting')
    // One that another process let go a moment later.
    const [late = ''] = await make(destinationId, [{ state: 'queued' }])
    expect(await world.ledger.takeDelivery(takeOf(late))).toBeUndefined()
    expect(await world.ledger.standBack(late)).toBe(destinationId)
    expect(await releaseAt(destinationId)).toEqual([])
    expect(await world.ledger.findDestinationStates()).toContainEqual(
      expect.objectContaining({ destinationId, pauseReason: 'stocktaking', circuit: 'closed' }),
    )
    await finishAttempt(world, attemptEnd(sending, taken?.number ?? 0, 'delivered'))
    expect(await world.ledger.resumeDestination(destinationId)).toBe(true)
    expect(await world.ledger.resumeDestination(destinationId)).toBe(false)
    expect(await releaseAt(destinationId)).toEqual([queued, late])
  })
})

describe('a long queue', () => {
  /** Many of one event, in this order; gives the deliveries. */
  async function makeMany(
    destinationId: string,
    count: number,
    keyAt: (index: number) => string | null,
    { ledger, sql } = world,
  ) {
    const { runId } = await recordOne(ledger)
    const ids = await runInto(ledger, runId, count, { destinationId, turn: {} })
    const keys = ids.map((_, index) => keyAt(index))
    await sql`
      UPDATE deliveries SET order_key = given.order_key
      FROM unnest(${ids}::uuid[], ${keys}::text[]) AS given(id, order_key) WHERE deliveries.id = given.id`
    return ids
  }

  test.each([3, 150])('under one order key does not keep %i other keys, nor what has none', async (keys) => {
    const destinationId = newId()
    const [first = '', second = ''] = await makeMany(destinationId, 400, () => 'a')
    const others = await makeMany(destinationId, keys * 2, (index) => `b${index % keys}`)
    const [free = ''] = await makeMany(destinationId, 1, () => null)
    const heads = others.slice(0, keys)
    expect(await releaseAt(destinationId)).toEqual([first, ...heads, free])
    await finish(first, 'delivered')
    expect(await releaseAt(destinationId)).toEqual([second])
    expect(await releaseAt(destinationId)).toEqual([])
  })

  test.each([3, 150])(
    'under %i order keys waits for what is walked, and may be held by what died',
    async (keys) => {
      const destinationId = newId()
      await makeMany(destinationId, 400, () => 'a')
      const [dead = ''] = await releaseAt(destinationId)
      await finish(dead, 'dead')
      await world.sql`UPDATE deliveries SET holds_on_dead = true WHERE destination_id = ${destinationId}`
      const earlier = await recordOne(world.ledger)
      const others = await makeMany(destinationId, keys, (index) => `b${index}`)
      expect(await releaseAt(destinationId)).toEqual([])
      const [late = ''] = await runInto(world.ledger, earlier.runId, 1, {
        destinationId,
        turn: { orderKey: 'b0' },
      })
      expect(await releaseAt(destinationId)).toEqual([late, ...others.slice(1)])
    },
  )

  test('goes no faster than its rate and no more at once than its places, also where its front may not go', async () => {
    const destinationId = newId()
    await makeMany(destinationId, 400, () => 'a')
    const others = await makeMany(destinationId, 10, () => null)
    expect(await releaseAt(destinationId, { concurrencyMax: 3 })).toHaveLength(3)
    expect(await releaseAt(destinationId, { concurrencyMax: 4 })).toEqual([others[2]])
    const rateMax = { count: 20, perSeconds: 3_600 }
    expect(await releaseAt(destinationId, { rateMax })).toEqual([others[3], others[4]])
    expect(await releaseAt(destinationId, { rateMax })).toEqual([])
  })

  test('under one order key costs no more looks into the tables than a short one', async () => {
    const place = await freshDatabase()
    const [short, long] = [newId(), newId()]
    await within(place.url, async (own) => {
      for (const [id, count] of [[short, 200] as const, [long, 4_000] as const])
        await makeMany(id, count, () => 'a', own)
    })
    const batch = { itemsMax: 10, bytesMax: 1e6, waitMs: 0, wrapBytes: 2, itemBytes: 1, onePerKey: true }
    for (const more of [{ concurrencyMax: 16 }, { batch }]) {
      const looks = await looksOf(place.url, short, more)
      expect(await looksOf(place.url, long, more)).toBeLessThan(looks * 3)
    }
    await place.drop()
  })

  /** Looks into indexes by one release. */
  async function looksOf(url: string, destinationId: string, more: Partial<ReleaseRule>): Promise<number> {
    const before = await looksAt(url)
    await within(url, ({ ledger }) => releaseAt(destinationId, more, ledger))
    return (await looksAt(url)) - before
  }

  /** With connections of its own that have ended afterwards: then PostgreSQL has counted what they did. */
  async function within(url: string, work: (own: TestLedger) => Promise<unknown>): Promise<void> {
    const applicationName = `looks ${newId()}`
    const own = openLedger(url, { applicationName })
    await work(own)
    await own.close()
    const left = () =>
      world.sql`SELECT FROM pg_stat_activity WHERE application_name LIKE ${`${applicationName}%`}`
    await expect.poll(async () => (await left()).length).toBe(0)
  }

  async function looksAt(url: string): Promise<number> {
    const sql = postgres(url, { max: 1 })
    const [row] = await sql`
      SELECT sum(idx_scan)::int AS many FROM pg_stat_user_indexes WHERE relname ~ '^(deliveries|runs)'`
    await sql.end()
    return row?.many
  }
})

describe('strict order', () => {
  test('lets the next of a key go when the one before it has ended; other keys do not wait', async () => {
    const destinationId = newId()
    const [a1 = '', a2 = '', b1 = '', a3 = ''] = await make(destinationId, [
      { orderKey: 'a' },
      { orderKey: 'a', priority: 0 },
      { orderKey: 'b' },
      { orderKey: 'a' },
    ])
    expect(await releaseAt(destinationId)).toEqual([a1, b1])
    await finish(a1, 'retrying', 60_000)
    await finish(b1, 'delivered')
    expect(await releaseAt(destinationId)).toEqual([])
    await world.sql`UPDATE deliveries SET due_at = now() WHERE id = ${a1}`
    await world.ledger.ripenDue(1_000)
    expect(await releaseAt(destinationId)).toEqual([a1])
    await finish(a1, 'dead')
    expect(await releaseAt(destinationId)).toEqual([a2])
    await finish(a2, 'delivered')
    expect(await releaseAt(destinationId)).toEqual([a3])
  })

  test('is that of the events, also when a later one was walked first', async () => {
    const destinationId = newId()
    const first = await recordOne(world.ledger)
    const second = await recordOne(world.ledger)
    const turn = { orderKey: 'a' }
    const [later = ''] = await runInto(world.ledger, second.runId, 1, { destinationId, turn })
    expect(await releaseAt(destinationId)).toEqual([])
    const [earlier = ''] = await runInto(world.ledger, first.runId, 1, { destinationId, turn })
    expect(await releaseAt(destinationId)).toEqual([earlier])
    await finish(earlier, 'delivered')
    expect(await releaseAt(destinationId)).toEqual([later])
  })

  test('may hold everything behind a dead one, until it is replayed', async () => {
    const destinationId = newId()
    const turn = { orderKey: 'a', holdsOnDead: true }
    const dying = await recordOne(world.ledger)
    const [dead = ''] = await runInto(world.ledger, dying.runId, 1, { destinationId, turn })
    const [next = ''] = await make(destinationId, [turn])
    expect(await releaseAt(destinationId)).toEqual([dead])
    await finish(dead, 'dead')
    expect(await releaseAt(destinationId)).toEqual([])
    const replay = { eventId: dying.eventId, runId: newId(), definitionVersion: 1 }
    expect(await world.ledger.replayEvent(replay)).toBe(true)
    expect(await releaseAt(destinationId)).toEqual([])
    const [again = ''] = await runInto(world.ledger, replay.runId, 1, { destinationId, turn })
    expect(await releaseAt(destinationId)).toEqual([again])
    await finish(again, 'delivered')
    expect(await releaseAt(destinationId)).toEqual([next])
  })

  test('holds under workers that race, each of which may fail', async () => {
    const destinationId = newId()
    const keys = ['a', 'b', 'c', 'd']
    const recorded = await Promise.all(Array.from({ length: 60 }, () => recordOne(world.ledger)))
    const keyOf = new Map<string, string>()
    const eventOf = new Map<string, string>()
    const made = recorded.map(async ({ runId, eventId }, index) => {
      const orderKey = keys[index % keys.length] ?? ''
      const [id = ''] = await runInto(index % 2 ? world.ledger : other.ledger, runId, 1, {
        destinationId,
        turn: { orderKey, priority: index % 10 },
      })
      keyOf.set(id, orderKey)
      eventOf.set(id, eventId)
    })
    const arrived: string[] = []
    let ended = 0
    const workers = [world, other, world].map(async ({ ledger }, worker) => {
      while (ended < recorded.length) {
        await ledger.ripenDue(100)
        for (const id of await releaseAt(destinationId, {}, ledger)) {
          const taken = await ledger.takeDelivery(takeOf(id))
          const fails = (taken?.number ?? 0) === 1 && (arrived.length + worker) % 3 === 0
          if (!fails) {
            arrived.push(id)
            ended += 1
          }
          await finishAttempt(
            { ledger, sql: world.sql },
            attemptEnd(id, taken?.number ?? 0, fails ? 'retrying' : 'delivered'),
          )
        }
      }
    })
    await Promise.all([...made, ...workers])
    for (const key of keys) {
      const events = arrived.filter((id) => keyOf.get(id) === key).map((id) => eventOf.get(id) ?? '')
      expect(events).toHaveLength(15)
      expect(events).toEqual(events.toSorted())
    }
  })
})

describe('a unique key', () => {
  test('keeps only the newest of what was not sent, and says so in delivery, run and event', async () => {
    const destinationId = newId()
    const older = await recordOne(world.ledger)
    const turn = { uniqueKey: 'stock-4711' }
    const [first = ''] = await runInto(world.ledger, older.runId, 1, { destinationId, turn })
    const [retried = ''] = await make(destinationId, [{ uniqueKey: 'other' }])
    const [second = ''] = await make(destinationId, [turn])
    expect(await releaseAt(destinationId)).toEqual([retried, second])
    expect(await stateOf(first)).toBe('superseded')
    const detail = await world.ledger.findEvent(older.eventId)
    expect(detail?.state).toBe('superseded')
    await finish(retried, 'retrying', 60_000)
    await finish(second, 'delivered')
    const [newer = ''] = await make(destinationId, [{ uniqueKey: 'other' }])
    expect(await releaseAt(destinationId)).toEqual([newer])
    expect(await stateOf(retried)).toBe('superseded')
  })

  test('never replaces what is being sent; the newer waits for it, and a failed older one is not sent again', async () => {
    const destinationId = newId()
    const turn = { uniqueKey: 'a' }
    const [older = ''] = await make(destinationId, [turn])
    await releaseAt(destinationId)
    const taken = await world.ledger.takeDelivery(takeOf(older))
    const [newer = ''] = await make(destinationId, [turn])
    expect(await releaseAt(destinationId)).toEqual([])
    expect(await stateOf(older)).toBe('sending')
    await finishAttempt(world, attemptEnd(older, taken?.number ?? 0, 'retrying'))
    expect(await releaseAt(destinationId)).toEqual([newer])
    expect(await stateOf(older)).toBe('superseded')
  })

  test('lets a replay of an old event go when nothing newer waits', async () => {
    const destinationId = newId()
    const turn = { uniqueKey: 'a' }
    const old = await recordOne(world.ledger)
    const [first = ''] = await runInto(world.ledger, old.runId, 1, { destinationId, turn })
    await releaseAt(destinationId)
    await finish(first, 'delivered')
    const [second = ''] = await make(destinationId, [turn])
    await releaseAt(destinationId)
    await finish(second, 'delivered')
    const replay = { eventId: old.eventId, runId: newId(), definitionVersion: 1 }
    await world.ledger.replayEvent(replay)
    const [again = ''] = await runInto(world.ledger, replay.runId, 1, { destinationId, turn })
    expect(await releaseAt(destinationId)).toEqual([again])
  })

  test('sends one of many that are made at the same moment, and every run ends', async () => {
    const destinationId = newId()
    const recorded = await Promise.all(Array.from({ length: 20 }, () => recordOne(world.ledger)))
    const released: string[] = []
    const made = await Promise.all(
      recorded.map(async ({ runId }, index) => {
        const ledger = index % 2 ? world.ledger : other.ledger
        return runInto(ledger, runId, 1, { destinationId, turn: { uniqueKey: 'a' } })
      }),
    )
    const releases = [world, other, world].map(({ ledger }) => releaseAt(destinationId, {}, ledger))
    released.push(...(await Promise.all(releases)).flat())
    const newest = made.flat()[recorded.findIndex(({ eventId }) => eventId === lastOf(recorded))]
    expect(released).toEqual([newest])
    await finish(newest ?? '', 'delivered')
    const states = await world.sql<{ state: string; count: number }[]>`
      SELECT state, count(*)::int AS count FROM runs WHERE id = ANY (${recorded.map(({ runId }) => runId)}::uuid[])
      GROUP BY state ORDER BY state`
    expect([...states]).toEqual([
      { state: 'delivered', count: 1 },
      { state: 'superseded', count: 19 },
    ])
  })
})

function lastOf(recorded: { eventId: string }[]): string {
  return (
    recorded
      .map(({ eventId }) => eventId)
      .toSorted()
      .at(-1) ?? ''
  )
}

test('where nothing waits for its time, there is no next one to look for', async () => {
  const database = await freshDatabase()
  const empty = openLedger(database.url)
  expect(await empty.ledger.ripenDue(1_000)).toEqual({ destinationIds: [], nextInMs: null })
  expect(await empty.ledger.findWaitingDestinations()).toEqual([])
  await empty.close()
  await drop()
})
