import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EventEntry, type ExpiredDay, LedgerUnavailable } from '../../src/ledger/ledger.ts'
import { firstIdAt } from '../../src/platform/ids.ts'
import { createLog } from '../../src/platform/log.ts'
import { createMetrics } from '../../src/platform/metrics.ts'
import { createRetention } from '../../src/upkeep/retention.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import {
  attemptEnd,
  entryOf,
  finishAttempt,
  finishRun,
  openLedger,
  requestOf,
  type TestLedger,
  takeOf,
} from './world.ts'

const DAY_MS = 86_400_000
const TABLES = ['requests', 'events', 'runs', 'node_results', 'deliveries', 'attempts']

let world: TestLedger
let drop: () => Promise<void>

beforeAll(async () => {
  const database = await freshDatabase()
  drop = database.drop
  world = openLedger(database.url)
})

afterAll(async () => {
  await world.close()
  await drop()
})

let ids = 0
/** An id as it was made at that moment. */
function idAt(moment: Date): string {
  ids += 1
  return firstIdAt(moment).slice(0, -12) + ids.toString(16).padStart(12, '0')
}

type Fate = 'delivered' | 'dead' | 'retrying' | 'waiting' | 'queued' | 'quarantined' | 'filtered'

/** An event of that moment, all of whose rows were made then, in the state that it has come to. */
async function eventOf(
  moment: Date,
  fate: Fate,
): Promise<Record<'request' | 'event' | 'run' | 'delivery', string>> {
  const { ledger, sql } = world
  const made = { request: idAt(moment), event: idAt(moment), run: idAt(moment), delivery: idAt(moment) }
  const event: Partial<EventEntry> = { id: made.event, runId: made.run, quarantined: fate === 'quarantined' }
  await ledger.record(entryOf({ id: made.request, receivedAt: moment }, event))
  if (fate === 'queued' || fate === 'quarantined') return made
  await ledger.takeRun(made.run)
  const turn = { priority: 5, delayMs: 0, orderKey: null, holdsOnDead: false, uniqueKey: null }
  const delivery = {
    id: made.delivery,
    destinationId: idAt(moment),
    nodeId: 'push',
    position: 0,
    item: '{}',
    turn: { ...turn, state: fate === 'waiting' ? ('waiting' as const) : ('queued' as const) },
  }
  const results = [
    {
      nodeId: 'push',
      outcome: 'passed',
      message: null,
      output: null,
      log: [],
      call: null,
      functionVersion: null,
      wallMs: 0,
      cpuMs: 0,
    },
  ]
  if (fate === 'filtered') {
    await finishRun({ ledger, sql: world.sql }, made.run, {
      state: 'filtered',
      reason: null,
      results,
      deliveries: [],
    })
    return made
  }
  await finishRun({ ledger, sql: world.sql }, made.run, {
    state: 'delivering',
    reason: null,
    results,
    deliveries: [delivery],
  })
  if (fate === 'waiting') return made
  await ledger.takeDelivery(takeOf(made.delivery))
  const end = attemptEnd(made.delivery, 1, fate, 60_000)
  await finishAttempt(
    { ledger, sql: world.sql },
    { ...end, attempt: { ...end.attempt, id: idAt(moment), startedAt: moment } },
  )
  await sql`UPDATE deliveries SET ended_at = ${moment} WHERE id = ${made.delivery} AND ended_at IS NOT NULL`
  return made
}

/** How many rows of each table belong to the event. */
async function rowsOf(made: Awaited<ReturnType<typeof eventOf>>): Promise<Record<string, number>> {
  const { sql } = world
  const [row] = await sql<Record<string, number>[]>`
    SELECT (SELECT count(*)::int FROM requests WHERE id = ${made.request}) AS requests,
           (SELECT count(*)::int FROM events WHERE id = ${made.event}) AS events,
           (SELECT count(*)::int FROM runs WHERE event_id = ${made.event}) AS runs,
           (SELECT count(*)::int FROM node_results WHERE run_id = ${made.run}) AS node_results,
           (SELECT count(*)::int FROM deliveries WHERE event_id = ${made.event}) AS deliveries,
           (SELECT count(*)::int FROM attempts WHERE delivery_id = ${made.delivery}) AS attempts`
  return row ?? {}
}
const NONE = { requests: 0, events: 0, runs: 0, node_results: 0, deliveries: 0, attempts: 0 }
const ALL = { requests: 1, events: 1, runs: 1, node_results: 1, deliveries: 1, attempts: 1 }

async function partitionsOf(day: Date): Promise<string[]> {
  const suffix = day.toISOString().slice(0, 10).replaceAll('-', '')
  const rows = await world.sql<{ relname: string }[]>`
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE ${`%\\_${suffix}`} ORDER BY 1`
  return rows.map(({ relname }) => relname)
}

/** Runs the chore as if it were so many days after the day. */
async function passAfter(day: Date, days: number, retentionDays = 10) {
  const metrics = createMetrics()
  const now = () => new Date(day.getTime() + days * DAY_MS)
  const options = { ledger: world.ledger, retentionDays, now, metrics, log: createLog('silent') }
  await createRetention(options, new AbortController().signal)()
  return metrics
}

const NOON_MS = DAY_MS / 2
let year = 2001
/** A day that no other test has, with its partitions. */
async function newDay(): Promise<{ day: Date; noon: Date }> {
  year += 1
  const day = new Date(Date.UTC(year, 5, 1))
  await world.ledger.makePartitions(day, 0)
  return { day, noon: new Date(day.getTime() + NOON_MS) }
}

describe('a day that is past what is kept', () => {
  test('is dropped whole, with its refusals, and not a moment before', async () => {
    const { day, noon } = await newDay()
    const delivered = await eventOf(noon, 'delivered')
    const filtered = await eventOf(noon, 'filtered')
    const refused = idAt(noon)
    await world.ledger.record({
      request: requestOf({ id: refused, receivedAt: noon, outcome: 'unproven' }),
      events: [],
    })
    expect(await rowsOf(delivered)).toEqual(ALL)
    await passAfter(day, 10.99)
    expect(await partitionsOf(day)).toHaveLength(TABLES.length)
    expect(await rowsOf(delivered)).toEqual(ALL)
    const metrics = await passAfter(day, 11)
    expect(await partitionsOf(day)).toEqual([])
    expect(await rowsOf(delivered)).toEqual(NONE)
    expect(await rowsOf(filtered)).toEqual(NONE)
    expect(await world.sql`SELECT 1 FROM requests WHERE id = ${refused}`).toHaveLength(0)
    expect(await metrics.registry.metrics()).toContain('sluice_retention_drops_total{table="events"} 1')
  })

  test.each(['queued', 'waiting', 'retrying', 'dead', 'quarantined'] as const)(
    'keeps what is %s, with all that belongs to it, and works on',
    async (fate) => {
      const { day, noon } = await newDay()
      const gone = await eventOf(noon, 'delivered')
      const kept = await eventOf(noon, fate)
      const before = await rowsOf(kept)
      const metrics = await passAfter(day, 30)
      expect(await rowsOf(gone)).toEqual(NONE)
      expect(await rowsOf(kept)).toEqual(before)
      expect(await metrics.registry.metrics()).toMatch(/sluice_retention_unfinished_events [1-9]/)
      expect(await partitionsOf(day)).toContain(
        `events_${day.toISOString().slice(0, 10).replaceAll('-', '')}`,
      )
      expect(await world.ledger.findEvent(kept.event)).toMatchObject({ id: kept.event })
      // It goes on as if nothing had been: a run and a delivery find their event.
      if (fate === 'queued')
        expect(await world.ledger.takeRun(kept.run)).toMatchObject({ eventId: kept.event })
      if (fate === 'dead') {
        const newDeliveryId = idAt(new Date())
        const redelivery = { deliveryId: kept.delivery, newDeliveryId, item: null }
        expect(await world.ledger.redeliver(redelivery)).toEqual({ done: true })
      }
      // A second pass finds nothing to do, also where it is only a part of the day's tables that stays.
      await passAfter(day, 30)
      expect(await world.ledger.findEvent(kept.event)).toMatchObject({ id: kept.event })
    },
  )

  test('is dropped when the last of what was kept has ended', async () => {
    const { day, noon } = await newDay()
    const kept = await eventOf(noon, 'dead')
    await passAfter(day, 30)
    expect(await rowsOf(kept)).toEqual(ALL)
    await world.ledger.discardDeadLetter(kept.delivery, 'done with')
    await passAfter(day, 31)
    expect(await rowsOf(kept)).toEqual(NONE)
    expect(await partitionsOf(day)).toEqual([])
  })

  test('keeps an old request whose event was made after midnight', async () => {
    const { day } = await newDay()
    const next = new Date(day.getTime() + DAY_MS)
    await world.ledger.makePartitions(next, 0)
    const before = new Date(next.getTime() - 5)
    const ids = { request: idAt(before), event: idAt(next), run: idAt(next) }
    await world.ledger.record(
      entryOf({ id: ids.request, receivedAt: before }, { id: ids.event, runId: ids.run }),
    )
    await world.ledger.takeRun(ids.run)
    await finishRun(world, ids.run, { state: 'empty', reason: null, results: [], deliveries: [] })
    await passAfter(day, 11)
    expect(await world.ledger.findEvent(ids.event)).toMatchObject({ request: { id: ids.request } })
    await passAfter(next, 11)
    expect(await world.ledger.findEvent(ids.event)).toBeUndefined()
    await passAfter(next, 11)
    expect(await world.sql`SELECT 1 FROM requests WHERE id = ${ids.request}`).toHaveLength(0)
  })

  test('stays for good where nothing is to be dropped', async () => {
    const { day, noon } = await newDay()
    const old = await eventOf(noon, 'delivered')
    await passAfter(day, 3_000, 0)
    expect(await rowsOf(old)).toEqual(ALL)
    await passAfter(day, 11)
  })
})

describe('what lies in no day of its own', () => {
  test('goes row by row: finished work does, other work does not', async () => {
    // A day that nobody made partitions for, as after a clock that jumped.
    const noon = new Date('1999-03-03T12:00:00Z')
    const [gone, kept] = [await eventOf(noon, 'delivered'), await eventOf(noon, 'dead')]
    const refused = idAt(noon)
    await world.ledger.record({ request: requestOf({ id: refused, receivedAt: noon }), events: [] })
    await passAfter(noon, 11)
    expect(await rowsOf(gone)).toEqual(NONE)
    expect(await rowsOf(kept)).toEqual(ALL)
    expect(await world.sql`SELECT 1 FROM requests WHERE id = ${refused}`).toHaveLength(0)
  })
})

describe('while a day is dropped', () => {
  const daysOf = async (day: Date) => world.ledger.findExpiredDays(new Date(day.getTime() + DAY_MS))
  const ofTable = (days: ExpiredDay[], table: string, day: Date) =>
    days.find((one) => one.table === table && one.start.getTime() === day.getTime())

  test('acks do not wait, also behind a long search; and the day is left for another time', async () => {
    const { day, noon } = await newDay()
    await world.ledger.makePartitions(new Date(), 0)
    const old = await eventOf(noon, 'delivered')
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const { promise: reading, resolve: reads } = Promise.withResolvers<void>()
    const search = world.sql.begin(async (transaction) => {
      await transaction`SELECT count(*) FROM events JOIN requests ON true`
      reads()
      await ended
    })
    await reading
    const events = ofTable(await daysOf(day), 'events', day)
    if (!events) throw new Error('there is no such day')
    const emptying = world.ledger.emptyDay(events)
    await eventually(async () => {
      const waiting =
        await world.sql`SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'`
      expect(waiting.length).toBeGreaterThan(0)
    })
    for (let count = 0; count < 5; count += 1)
      await expect(world.ledger.record(entryOf())).resolves.not.toBeInstanceOf(LedgerUnavailable)
    expect(await emptying).toEqual({ postponed: 'it is in use', tooMany: false })
    expect(await rowsOf(old)).toEqual(ALL)
    end()
    await search
    expect(await world.ledger.emptyDay(events)).toEqual({ kept: 0, changed: true })
    await passAfter(day, 11)
  })

  test('an old delivery that an operator replays is either seen or refused', async () => {
    const { day, noon } = await newDay()
    const [first, second] = [await eventOf(noon, 'delivered'), await eventOf(noon, 'delivered')]
    const events = ofTable(await daysOf(day), 'events', day)
    if (!events) throw new Error('there is no such day')
    const replay = (made: typeof first) =>
      world.ledger.redeliver({ deliveryId: made.delivery, newDeliveryId: idAt(new Date()), item: null })
    expect(await replay(first)).toEqual({ done: true })
    expect(await world.ledger.emptyDay(events)).toEqual({ kept: 1, changed: true })
    expect(await replay(second)).toEqual({ refused: 'erased' })
    expect(await world.ledger.findEvent(first.event)).toMatchObject({ state: 'delivering' })
  })

  test('an old event that comes in late, from a journal, is either seen or comes after it', async () => {
    const { day, noon } = await newDay()
    await eventOf(noon, 'delivered')
    const events = ofTable(await daysOf(day), 'events', day)
    if (!events) throw new Error('there is no such day')
    let recording = true
    const late: Awaited<ReturnType<typeof eventOf>>[] = []
    const coming = (async () => {
      while (recording) late.push(await eventOf(noon, 'queued'))
    })()
    await eventually(() => expect(late.length).toBeGreaterThan(3))
    for (const table of await daysOf(day))
      if (table.start.getTime() === day.getTime()) await world.ledger.emptyDay(table)
    await eventually(() => expect(late.length).toBeGreaterThan(6))
    recording = false
    await coming
    for (const one of late) expect(await rowsOf(one)).toMatchObject({ requests: 1, events: 1, runs: 1 })
  })
})

test('the days are listed with what they hold, and of those past their time what stays', async () => {
  const { day, noon } = await newDay()
  await eventOf(noon, 'dead')
  await passAfter(day, 11)
  const [found] = (await world.ledger.measureDays(new Date(day.getTime() + DAY_MS))).filter(
    (one) => one.day === day.toISOString().slice(0, 10),
  )
  expect(found).toEqual({
    day: day.toISOString().slice(0, 10),
    bytes: expect.any(Number),
    events: expect.any(Number),
    unfinished: 1,
  })
  const days = await world.ledger.measureDays(new Date(0))
  expect(days.at(-1)?.day).toBeNull()
  expect(days.every(({ unfinished }) => unfinished === null)).toBe(true)
})
