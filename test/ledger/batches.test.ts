import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BatchedEnd, BatchRule, ReleaseRule, TakenBatch, Turn } from '../../src/ledger/ledger.ts'
import { batchIdOf } from '../../src/ledger/ledger.ts'
import { newId } from '../../src/platform/ids.ts'
import { freshDatabase } from '../world/database.ts'
import { attemptEnd, openLedger, recordOne, ruleOf, runInto, type TestLedger, takeOf } from './world.ts'

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

const RULE: BatchRule = {
  itemsMax: 3,
  bytesMax: 100_000,
  waitMs: 0,
  wrapBytes: 2,
  itemBytes: 1,
  onePerKey: false,
}

/** One event each, in this order; gives the deliveries. */
async function make(destinationId: string, turns: Partial<Turn>[]): Promise<string[]> {
  const made: string[] = []
  for (const turn of turns) {
    const { runId } = await recordOne(world.ledger)
    made.push(...(await runInto(world.ledger, runId, 1, { destinationId, turn })))
  }
  return made
}

/** One delivery of each batch that was let go. */
const releaseAt = async (
  destinationId: string,
  batch: Partial<BatchRule> = {},
  more: Partial<ReleaseRule> = {},
  { ledger } = world,
) => {
  const rule = ruleOf({ destinationId, batch: { ...RULE, ...batch }, ...more })
  const { released, left } = await ledger.release([rule])
  return { ids: released.map(({ id }) => id), left: left[0] }
}

const take = async (deliveryId = '', { ledger } = world) => ledger.takeBatch({ deliveryId, leaseMs: 30_000 })

async function taken(deliveryId: string | undefined, from = world): Promise<TakenBatch> {
  const batch = await take(deliveryId, from)
  if (!batch) throw new Error(`the batch of ${deliveryId} cannot be taken`)
  return batch
}

const idsOf = (batch: TakenBatch | undefined) => batch?.deliveries.map(({ id }) => id)

/** Ends a batch; all of it alike, or each as it is said. */
async function finish(
  { deliveries }: TakenBatch,
  state: BatchedEnd['state'] | BatchedEnd['state'][],
  more: { retryAfterMs?: number; apart?: boolean } = {},
  { ledger } = world,
): Promise<Set<string>> {
  const batchId = batchIdOf(deliveries.map(({ id }) => id))
  const lead = attemptEnd('', 0, 'delivered').attempt
  const ends = deliveries.map(({ id, number, probe }, index): BatchedEnd => {
    const its = typeof state === 'string' ? state : (state[index] ?? 'dead')
    return {
      deliveryId: id,
      number,
      state: its,
      retryAfterMs: its === 'retrying' ? (more.retryAfterMs ?? 0) : null,
      counts: !(probe && its === 'retrying'),
      nextBatchId: more.apart ? null : batchId,
      attempt: { ...attemptEnd(id, number, its).attempt, id: index === 0 ? lead.id : newId() },
    }
  })
  return ledger.finishBatch({ batchId, lead, ends })
}

async function statesOf(ids: string[]): Promise<string[]> {
  const rows = await world.sql<{ id: string; state: string }[]>`
    SELECT id, state FROM deliveries WHERE id = ANY (${ids}::uuid[])`
  const states = new Map(rows.map(({ id, state }) => [id, state]))
  return ids.map((id) => states.get(id) ?? '')
}

const ripen = async (destinationId: string) => {
  await world.sql`UPDATE deliveries SET due_at = now() WHERE destination_id = ${destinationId} AND state = 'retrying'`
  await world.ledger.ripenDue(1_000)
}

describe('a batch', () => {
  test('is let go when it is full, or when its oldest has waited long enough', async () => {
    const destinationId = newId()
    const made = await make(destinationId, [{}, {}, {}, {}])
    const { ids, left } = await releaseAt(destinationId, { waitMs: 600_000 })
    expect(ids).toHaveLength(1)
    expect(idsOf(await take(ids[0]))).toEqual(made.slice(0, 3))
    expect(left).toMatchObject({ waiting: true, held: false })
    expect(left?.againInMs).toBeGreaterThan(500_000)
    await world.sql`UPDATE deliveries SET due_at = now() - interval '10 minutes' WHERE id = ${made[3] ?? ''}`
    expect((await releaseAt(destinationId, { waitMs: 600_000 })).ids).toEqual([made[3]])
  })

  test('is all of one size in bytes', async () => {
    const destinationId = newId()
    await make(destinationId, [{}, {}, {}])
    const bytes = '{"position":0}'.length + RULE.itemBytes
    const { ids } = await releaseAt(destinationId, { bytesMax: RULE.wrapBytes + 2 * bytes })
    const sizes = await Promise.all(ids.map(async (id) => (await taken(id)).deliveries.length))
    expect(sizes).toEqual([2, 1])
  })

  test('gives each of its deliveries what became of it, and its run and event', async () => {
    const destinationId = newId()
    const { runId, eventId } = await recordOne(world.ledger)
    const made = await runInto(world.ledger, runId, 3, { destinationId, turn: {} })
    const [id] = (await releaseAt(destinationId)).ids
    const batch = await taken(id)
    expect(
      await finish(batch, ['delivered', 'dead', 'retrying'], { retryAfterMs: 60_000, apart: true }),
    ).toEqual(new Set(made))
    expect(await statesOf(made)).toEqual(['delivered', 'dead', 'retrying'])
    expect(await world.ledger.findEvent(eventId)).toMatchObject({ state: 'delivering' })
    await ripen(destinationId)
    const [again] = (await releaseAt(destinationId)).ids
    await finish(await taken(again), 'delivered')
    const event = await world.ledger.findEvent(eventId)
    expect(event).toMatchObject({ state: 'dead', runs: [{ state: 'dead' }] })
    const attempts = event?.runs[0]?.deliveries.map((delivery) => delivery.attempts) ?? []
    expect(attempts.map((some) => some.length)).toEqual([1, 1, 2])
    // What came back is kept once, and shown with each.
    for (const [attempt] of attempts) expect(attempt?.responseBody?.toString()).toBe('ok')
    expect(new Set(attempts.map(([attempt]) => attempt?.batchId))).toEqual(new Set([batchIdOf(made)]))
    const listed = await world.ledger.listDeliveries({ batchId: batchIdOf(made), limit: 10 })
    expect(listed.map((one) => one.id).toSorted()).toEqual(made.slice(0, 2).toSorted())
    const [kept] = await world.sql`
      SELECT count(*)::int AS count FROM attempts WHERE response_body IS NOT NULL AND delivery_id = ANY (${made}::uuid[])`
    expect(kept?.count).toBe(2)
  })

  test('that failed as a whole goes again as the same, without what came since', async () => {
    const destinationId = newId()
    const made = await make(destinationId, [{}, {}])
    const [id] = (await releaseAt(destinationId)).ids
    await finish(await taken(id), 'retrying')
    await make(destinationId, [{}])
    await ripen(destinationId)
    const batches = await Promise.all((await releaseAt(destinationId)).ids.map((one) => taken(one)))
    expect(batches.map(idsOf)).toContainEqual(made)
    expect(batches).toHaveLength(2)
  })

  test('that failed as a whole waits until the last of it may be tried again', async () => {
    const destinationId = newId()
    const [first = '', second = ''] = await make(destinationId, [{}, {}])
    await finish(await taken((await releaseAt(destinationId)).ids[0]), 'retrying', { retryAfterMs: 600_000 })
    await world.sql`UPDATE deliveries SET due_at = now() WHERE id = ${second}`
    await world.ledger.ripenDue(1_000)
    expect(await statesOf([first, second])).toEqual(['retrying', 'waiting'])
    expect((await releaseAt(destinationId)).ids).toEqual([])
    await ripen(destinationId)
    expect(idsOf(await take((await releaseAt(destinationId)).ids[0]))).toEqual([first, second])
  })

  test('goes without the one that was cancelled, before or after it was let go, and the rest finds its way', async () => {
    const destinationId = newId()
    const [a = '', b = '', c = ''] = await make(destinationId, [{}, {}, {}])
    const [id = ''] = (await releaseAt(destinationId)).ids
    // The very one by which the queue knows the batch.
    expect(await world.ledger.cancelDelivery(id, 'by the test')).toEqual({ done: true })
    const rest = [a, b, c].filter((one) => one !== id)
    const batch = await taken(id)
    expect(idsOf(batch)).toEqual(rest)
    await finish(batch, 'retrying')
    expect(await world.ledger.cancelDelivery(rest[0] ?? '', 'by the test')).toEqual({ done: true })
    await ripen(destinationId)
    const [again] = (await releaseAt(destinationId)).ids
    expect(idsOf(await take(again))).toEqual(rest.slice(1))
  })

  test('is left by the one that an operator wants tried now', async () => {
    const destinationId = newId()
    const [a = '', b = '', c = ''] = await make(destinationId, [{}, {}, {}])
    const [id] = (await releaseAt(destinationId)).ids
    await finish(await taken(id), 'retrying', { retryAfterMs: 600_000 })
    const late = await make(destinationId, [{}])
    await world.ledger.hurryDelivery(b)
    const { ids } = await releaseAt(destinationId, { waitMs: 600_000 })
    expect(ids).toEqual([b])
    expect(idsOf(await take(b))).toEqual([b])
    expect(await statesOf([a, c, ...late])).toEqual(['retrying', 'retrying', 'waiting'])
  })
})

describe('a worker that is killed', () => {
  test('loses a batch to another one, which sends the same; the end of the first is refused', async () => {
    const destinationId = newId()
    const made = await make(destinationId, [{}, {}, {}])
    const [id] = (await releaseAt(destinationId)).ids
    const first = await taken(id)
    expect(await take(made[1], other)).toBeUndefined()
    await world.sql`UPDATE deliveries SET lease_until = now(), queued_at = now() - interval '1 hour'
                    WHERE id = ANY (${made}::uuid[])`
    const found = await other.ledger.findUnfinished({
      queuedBefore: new Date(Date.now() - 60_000),
      limit: 100,
      alone: false,
    })
    // One of them stands for all.
    expect(found.deliveries.filter((one) => made.includes(one.id))).toHaveLength(1)
    const second = await taken(made[2], other)
    expect(idsOf(second)).toEqual(idsOf(first))
    expect(second.deliveries.map(({ number }) => number)).toEqual([2, 2, 2])
    expect(await finish(first, 'delivered')).toEqual(new Set())
    expect(await finish(second, 'delivered', {}, other)).toEqual(new Set(made))
    const [{ count } = {}] = await world.sql`
      SELECT count(*)::int AS count FROM attempts WHERE verdict = 'interrupted' AND delivery_id = ANY (${made}::uuid[])`
    expect(count).toBe(3)
  })

  test('whose lease goes on for one of a batch keeps all of it', async () => {
    const destinationId = newId()
    const made = await make(destinationId, [{}, {}])
    const [id] = (await releaseAt(destinationId)).ids
    await taken(id)
    await world.sql`UPDATE deliveries SET lease_until = now() WHERE id = ${made[0] ?? ''}`
    expect(await take(made[0], other)).toBeUndefined()
    await world.sql`UPDATE deliveries SET lease_until = now() WHERE id = ${made[1] ?? ''}`
    expect(idsOf(await take(made[0], other))).toEqual(made)
  })
})

describe('the limits of a destination', () => {
  test('count a batch as one push', async () => {
    const destinationId = newId()
    await make(
      destinationId,
      Array.from({ length: 15 }, () => ({})),
    )
    const [first, second] = (await releaseAt(destinationId, {}, { concurrencyMax: 2 })).ids
    expect((await releaseAt(destinationId, {}, { concurrencyMax: 2 })).ids).toEqual([])
    await finish(await taken(first), 'delivered')
    const [third, ...others] = (await releaseAt(destinationId, {}, { concurrencyMax: 2 })).ids
    expect(others).toEqual([])
    for (const id of [second, third]) await finish(await taken(id), 'delivered')
    // A burst of two, and then one each 100 s / 19.
    const rateMax = { count: 20, perSeconds: 100 }
    const { ids, left } = await releaseAt(destinationId, {}, { rateMax })
    expect(ids).toHaveLength(2)
    expect(left?.waiting).toBe(false)
    await make(destinationId, [{}])
    const later = await releaseAt(destinationId, {}, { rateMax })
    expect(later.ids).toEqual([])
    expect(later.left?.againInMs).toBeGreaterThan(3_000)
  })

  test('hold what was let go when the destination is paused, and it goes on as the same batch', async () => {
    const destinationId = newId()
    const made = await make(destinationId, [{}, {}])
    const [id = ''] = (await releaseAt(destinationId)).ids
    await world.ledger.pauseDestination(destinationId, 'stocktaking')
    expect(await statesOf(made)).toEqual(['waiting', 'waiting'])
    expect(await take(id)).toBeUndefined()
    expect((await releaseAt(destinationId)).ids).toEqual([])
    await world.ledger.resumeDestination(destinationId)
    const late = await make(destinationId, [{}])
    const batches = await Promise.all((await releaseAt(destinationId)).ids.map((one) => taken(one)))
    expect(batches.map(idsOf)).toEqual([made, late])
  })

  test('that a worker has no place for put all of the batch back', async () => {
    const destinationId = newId()
    const made = await make(destinationId, [{}, {}])
    const [id = ''] = (await releaseAt(destinationId)).ids
    expect(
      await world.ledger.takeBatch({ deliveryId: id, leaseMs: 1, notFor: [destinationId] }),
    ).toBeUndefined()
    expect(await world.ledger.standBack(id)).toBe(destinationId)
    expect(await statesOf(made)).toEqual(['waiting', 'waiting'])
  })

  test('open a circuit by pushes, not by deliveries, and try one batch, which uses up no try', async () => {
    const destinationId = newId()
    const made = await make(
      destinationId,
      Array.from({ length: 9 }, () => ({})),
    )
    const rule = { failureRate: 0.5, attemptsMin: 3, windowSeconds: 60, pauseSeconds: 0, pauseSecondsMax: 60 }
    const settle = (deliveryId: string, probe: boolean, health: 'ill' | 'well') =>
      world.ledger.settleCircuit({
        destinationId,
        deliveryId,
        probe,
        health,
        illReasons: ['as the test says'],
        rule,
        now: new Date(),
      })
    const { ids } = await releaseAt(destinationId)
    expect(ids).toHaveLength(3)
    const changes: unknown[] = []
    for (const id of ids) {
      await finish(await taken(id), 'retrying')
      changes.push(await settle(id, false, 'ill'))
    }
    expect(changes).toEqual([undefined, undefined, 'opened'])
    await ripen(destinationId)
    const [probe = '', ...others] = (await releaseAt(destinationId)).ids
    expect(others).toEqual([])
    expect((await releaseAt(destinationId)).ids).toEqual([])
    const batch = await taken(probe)
    expect(batch).toMatchObject({
      probeId: probe,
      deliveries: [{ probe: true }, { probe: true }, { probe: true }],
    })
    await finish(batch, 'delivered')
    expect(await settle(probe, true, 'well')).toBe('closed')
    expect((await statesOf(made)).filter((state) => state === 'delivered')).toHaveLength(3)
  })
})

describe('strict order', () => {
  test('is kept in a batch and between batches', async () => {
    const destinationId = newId()
    const [a1 = '', a2 = '', b1 = '', a3 = '', a4 = ''] = await make(destinationId, [
      { orderKey: 'a', priority: 9 },
      { orderKey: 'a', priority: 0 },
      { orderKey: 'b' },
      { orderKey: 'a', priority: 0 },
      { orderKey: 'a' },
    ])
    const [first] = (await releaseAt(destinationId)).ids
    const batch = await taken(first)
    expect(idsOf(batch)).toEqual([a1, a2, b1].filter((id) => idsOf(batch)?.includes(id)))
    expect((await releaseAt(destinationId, { itemsMax: 1 })).ids.filter((id) => id !== b1)).toEqual([])
    await finish(batch, 'retrying', { retryAfterMs: 60_000 })
    expect((await releaseAt(destinationId)).ids.filter((id) => id !== b1)).toEqual([])
    await ripen(destinationId)
    const went: string[] = []
    for (;;) {
      const { ids } = await releaseAt(destinationId)
      if (ids.length === 0) break
      for (const id of ids) {
        const next = await take(id)
        if (!next) continue
        went.push(...(idsOf(next) ?? []))
        await finish(next, 'delivered')
      }
    }
    expect(went.filter((id) => id !== b1)).toEqual([a1, a2, a3, a4])
  })

  test('lets one of a key go at a time where each item has a result of its own', async () => {
    const destinationId = newId()
    const [a1 = '', , b1 = ''] = await make(destinationId, [
      { orderKey: 'a' },
      { orderKey: 'a' },
      { orderKey: 'b' },
    ])
    const [id] = (await releaseAt(destinationId, { onePerKey: true })).ids
    expect(idsOf(await take(id))).toEqual([a1, b1])
  })

  test('lets go on what failed together when an older event of a key was replayed meanwhile', async () => {
    const destinationId = newId()
    const old = await recordOne(world.ledger)
    const [first = ''] = await runInto(world.ledger, old.runId, 1, { destinationId, turn: { orderKey: 'a' } })
    await finish(await taken((await releaseAt(destinationId)).ids[0]), 'dead')
    const made = await make(destinationId, [{ orderKey: 'a' }, { orderKey: 'b' }])
    await finish(await taken((await releaseAt(destinationId)).ids[0]), 'retrying')
    const again = newId()
    await world.ledger.redeliver({ deliveryId: first, newDeliveryId: again, item: null })
    await ripen(destinationId)
    const batches = await Promise.all((await releaseAt(destinationId)).ids.map((id) => taken(id)))
    // The replayed one goes first, and of the batch what need not wait for it.
    expect(batches.map(idsOf).toSorted()).toEqual([[again], [made[1]]].toSorted())
    for (const batch of batches) await finish(batch, 'delivered')
    expect(idsOf(await take((await releaseAt(destinationId)).ids[0]))).toEqual([made[0]])
  })

  test('holds under workers that race, each of which may fail, and every run ends', async () => {
    const destinationId = newId()
    const keys = ['a', 'b', 'c', null]
    // Each run makes two deliveries, so that batches that end at the same moment count off the same runs.
    const recorded = await Promise.all(Array.from({ length: 60 }, () => recordOne(world.ledger)))
    const keyOf = new Map<string, string | null>()
    const eventOf = new Map<string, string>()
    const made = recorded.map(async ({ runId, eventId }, index) => {
      const orderKey = keys[index % keys.length] ?? null
      const turn = { orderKey, priority: index % 10 }
      for (const id of await runInto((index % 2 ? world : other).ledger, runId, 2, { destinationId, turn })) {
        keyOf.set(id, orderKey)
        eventOf.set(id, eventId)
      }
    })
    const arrived: string[] = []
    const sent = new Map<string, string>()
    const rule = { itemsMax: 7, waitMs: 0 }
    let pushes = 0
    const workers = [world, other, world].map(async (worker) => {
      while (arrived.length < 120) {
        await worker.ledger.ripenDue(100)
        for (const id of (await releaseAt(destinationId, rule, { concurrencyMax: 4 }, worker)).ids) {
          const batch = await taken(id, worker)
          const ids = idsOf(batch) ?? []
          pushes += 1
          const fails = pushes % 3 === 0
          for (const one of ids) {
            // Whoever failed in a batch is in the same one again.
            if (sent.has(one)) expect(sent.get(one)).toBe(batchIdOf(ids))
            sent.set(one, batchIdOf(ids))
          }
          if (!fails) arrived.push(...ids)
          await finish(batch, fails ? 'retrying' : 'delivered', {}, worker)
        }
      }
    })
    await Promise.all([...made, ...workers])
    expect(new Set(arrived).size).toBe(120)
    for (const key of ['a', 'b', 'c']) {
      const order = arrived.filter((id) => keyOf.get(id) === key).map((id) => `${eventOf.get(id)} ${id}`)
      expect(order).toEqual(order.toSorted())
      expect(order).toHaveLength(30)
    }
    const [open] = await world.sql`
      SELECT count(*)::int AS count FROM runs
      WHERE id = ANY (${recorded.map(({ runId }) => runId)}::uuid[]) AND (state <> 'delivered' OR deliveries_open <> 0)`
    expect(open?.count).toBe(0)
  })
})

test('a unique key takes the older out of a batch that failed', async () => {
  const destinationId = newId()
  const [older = '', rest = ''] = await make(destinationId, [{ uniqueKey: 'a' }, {}])
  await finish(await taken((await releaseAt(destinationId)).ids[0]), 'retrying')
  const [newer = ''] = await make(destinationId, [{ uniqueKey: 'a' }])
  await ripen(destinationId)
  const batches = await Promise.all((await releaseAt(destinationId)).ids.map((id) => taken(id)))
  expect(batches.map(idsOf).toSorted()).toEqual([[rest], [newer]].toSorted())
  expect(await statesOf([older])).toEqual(['superseded'])
})

test('what was put together goes one by one when its destination takes no batches any more', async () => {
  const destinationId = newId()
  const made = await make(destinationId, [{}, {}])
  const [id] = (await releaseAt(destinationId)).ids
  const batch = await taken(id)
  await world.ledger.giveBack(made, { delayMs: 0, reason: null })
  expect(await finish(batch, 'delivered')).toEqual(new Set())
  await world.ledger.ripenDue(1_000)
  const { released } = await world.ledger.release([ruleOf({ destinationId })])
  expect(released.map((one) => one.id)).toEqual(made)
  const one = await world.ledger.takeDelivery(takeOf(made[0] ?? ''))
  expect(one).toMatchObject({ id: made[0], number: 1 })
})
