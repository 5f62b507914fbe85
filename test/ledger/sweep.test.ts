import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase } from '../world/database.ts'
import {
  attemptEnd,
  finishAttempt,
  finishRun,
  latestTake,
  openLedger,
  recordOne,
  runInto,
  type TestLedger,
  takeOf,
} from './world.ts'

let world: TestLedger
let drop: () => Promise<void>

beforeEach(async () => {
  const database = await freshDatabase()
  drop = database.drop
  world = openLedger(database.url)
})

afterEach(async () => {
  await world.close()
  await drop()
})

const sweep = (
  queuedBefore = new Date(Date.now() + 60_000),
  more: { alone?: boolean; limit?: number } = {},
) => world.ledger.findUnfinished({ queuedBefore, limit: 100, alone: false, ...more })

test('finds runs that were never queued or whose worker is gone, each once', async () => {
  const queued = await recordOne(world.ledger)
  const running = await recordOne(world.ledger)
  await world.ledger.takeRun(running.runId)
  const done = await recordOne(world.ledger)
  await world.ledger.takeRun(done.runId)
  await finishRun(world, done.runId, { state: 'empty', reason: null, results: [], deliveries: [] })
  await world.sql`UPDATE runs SET queued_at = now() - interval '1 hour'`
  const { runs } = await sweep()
  expect(runs.toSorted((a, b) => a.takes - b.takes)).toEqual([
    { id: queued.runId, takes: 0 },
    { id: running.runId, takes: 1 },
  ])
  expect(await sweep(new Date(Date.now() - 60_000))).toEqual({ runs: [], deliveries: [] })
})

test('a run under way may be silent for longer than one that waits', async () => {
  const waiting = await recordOne(world.ledger)
  const running = await recordOne(world.ledger)
  await world.ledger.takeRun(running.runId)
  const now = new Date(Date.now() + 1_000)
  const look = (silentBefore: Date) =>
    world.ledger.findUnfinished({ queuedBefore: now, silentBefore, limit: 100, alone: false })
  expect((await look(new Date(Date.now() - 60_000))).runs.map(({ id }) => id)).toEqual([waiting.runId])
  expect((await look(now)).runs.map(({ id }) => id)).toContain(running.runId)
})

test('a run that stands in two queues is taken from one of them', async () => {
  const { runId } = await recordOne(world.ledger)
  const never = { least: 0, most: 0 }
  const taken = await Promise.all([1, 2, 3].map(() => world.ledger.takeRun(runId, never)))
  expect(taken.filter((run) => run !== undefined)).toMatchObject([{ takes: 1 }])
  // A worker that knows of that take takes it over.
  expect(await world.ledger.takeRun(runId, { least: 1, most: 1 })).toMatchObject({ takes: 2 })
  // The job of the one before it was begun once, and not by that one.
  expect(await world.ledger.takeRun(runId, { least: 0, most: 1 })).toBeUndefined()
  expect(await world.ledger.takeRun(runId)).toMatchObject({ takes: 3 })
})

test('leaves alone what was put into the queue a moment ago', async () => {
  await recordOne(world.ledger)
  expect((await sweep(new Date(Date.now() - 5_000))).runs).toEqual([])
})

test('finds deliveries that were released; one that is being sent only when its lease is over', async () => {
  const { runId } = await recordOne(world.ledger)
  const [queued = '', held = '', left = '', later = '', due = '', done = ''] = await runInto(
    world.ledger,
    runId,
    6,
  )
  await world.ledger.takeDelivery(takeOf(held))
  await world.ledger.takeDelivery(takeOf(left, 0))
  for (const [id, state, waitMs] of [
    [later, 'retrying', 60_000],
    [due, 'retrying', 0],
    [done, 'delivered', 0],
  ] as const) {
    await world.ledger.takeDelivery(takeOf(id))
    await finishAttempt(world, attemptEnd(id, 1, state, waitMs))
  }
  const { deliveries } = await sweep()
  expect(deliveries.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual(
    [
      { id: queued, tries: 0, priority: 5 },
      { id: left, tries: 1, priority: 5 },
    ].toSorted((a, b) => a.id.localeCompare(b.id)),
  )
})

test('of a process that is alone, what looks taken was left by the one before it', async () => {
  const { runId } = await recordOne(world.ledger)
  const [held = ''] = await runInto(world.ledger, runId, 1)
  await world.ledger.takeDelivery(takeOf(held))
  expect((await sweep()).deliveries).toEqual([])
  expect((await sweep(undefined, { alone: true })).deliveries.map(({ id }) => id)).toEqual([held])
  expect(await world.ledger.takeDelivery(takeOf(held))).toMatchObject({ number: 2 })
})

test('gives so many at a time, oldest first, and two sweepers never the same', async () => {
  const all = await Promise.all(Array.from({ length: 30 }, () => recordOne(world.ledger)))
  const first = all[0]?.runId ?? ''
  await world.sql`UPDATE runs SET queued_at = now() - interval '1 hour' WHERE id = ${first}`
  expect((await sweep(new Date(), { limit: 1 })).runs.map(({ id }) => id)).toEqual([first])
  const before = new Date(Date.now() + 60_000)
  await world.sql`UPDATE runs SET queued_at = now() - interval '1 minute'`
  const both = await Promise.all([
    sweep(new Date(Date.now() - 5_000), { limit: 20 }),
    sweep(new Date(Date.now() - 5_000), { limit: 20 }),
  ])
  const found = both.flatMap(({ runs }) => runs.map(({ id }) => id))
  expect(new Set(found).size).toBe(found.length)
  const rest = await sweep(new Date(Date.now() - 5_000))
  expect(new Set([...found, ...rest.runs.map(({ id }) => id)]).size).toBe(30)
  expect((await sweep(before)).runs).toHaveLength(30)
})

test('tells how long the oldest work has waited, and nothing of what is due later', async () => {
  expect(await world.ledger.oldestWaiting()).toEqual({ runSeconds: 0, deliverySeconds: 0 })
  const { runId } = await recordOne(world.ledger)
  await world.sql`UPDATE runs SET queued_at = now() - interval '90 seconds' WHERE id = ${runId}`
  expect((await world.ledger.oldestWaiting()).runSeconds).toBeCloseTo(90, -1)
  const [id = ''] = await runInto(world.ledger, runId, 1)
  await world.ledger.takeDelivery(takeOf(id))
  await finishAttempt(world, attemptEnd(id, 1, 'retrying', 60_000))
  expect(await world.ledger.oldestWaiting()).toEqual({ runSeconds: 0, deliverySeconds: 0 })
  await world.sql`UPDATE deliveries SET due_at = now() - interval '30 seconds' WHERE id = ${id}`
  await world.ledger.ripenDue(1)
  expect((await world.ledger.oldestWaiting()).deliverySeconds).toBeCloseTo(30, -1)
})

test('finds a run that is to be made again when it is due, and no earlier', async () => {
  const retried = async (delayMs: number) => {
    const { runId } = await recordOne(world.ledger)
    await world.ledger.takeRun(runId)
    await world.ledger.retryRun(await latestTake(world, runId), {
      reason: 'for the moment',
      delayMs,
      results: [],
      awaited: false,
    })
    return runId
  }
  const due = await retried(0)
  await retried(60_000)
  expect((await sweep()).runs).toEqual([{ id: due, takes: 1 }])
  expect(await world.ledger.takeRun(due)).toMatchObject({ takes: 2, retries: 1 })
})

test('leaves a run alone whose worker gives a sign of life', async () => {
  const { runId } = await recordOne(world.ledger)
  await world.ledger.takeRun(runId)
  await world.sql`UPDATE runs SET queued_at = now() - interval '1 hour' WHERE id = ${runId}`
  await world.ledger.holdRun(await latestTake(world, runId))
  expect((await sweep(new Date(Date.now() - 5_000))).runs).toEqual([])
})
