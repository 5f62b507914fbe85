import { afterEach, beforeEach, expect, test } from 'vitest'
import { firstIdAt, newId } from '../../src/platform/ids.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { entryOf, openLedger, runInto, type TestLedger } from './world.ts'

const DAY_MS = 86_400_000
const TABLES = ['attempts', 'deliveries', 'events', 'node_results', 'requests', 'runs']

let world: TestLedger
let url: string
let drop: () => Promise<void>

beforeEach(async () => {
  ;({ url, drop } = await freshDatabase())
  world = openLedger(url)
  // Those that the suite's template database has.
  for (const table of TABLES)
    for (const day of await daysOf(table)) await world.sql`DROP TABLE ${world.sql(`${table}_${day}`)}`
})

afterEach(async () => {
  await world.close()
  await drop()
})

async function daysOf(table: string): Promise<string[]> {
  const rows = await world.sql<{ name: string }[]>`
    SELECT relid::regclass::text AS name FROM pg_partition_tree(${table}::regclass)
    WHERE isleaf AND relid::regclass::text NOT LIKE '%_default' ORDER BY 1`
  return rows.map(({ name }) => name.slice(-8))
}

test('today and the days ahead have a partition of their own in every table', async () => {
  const now = new Date('2031-02-27T23:59:59.999Z')
  await world.ledger.makePartitions(now, 3)
  const wanted = ['20310227', '20310228', '20310301', '20310302']
  for (const table of TABLES) expect(await daysOf(table)).toEqual(wanted)
  await world.ledger.makePartitions(new Date(now.getTime() + 1), 3)
  for (const table of TABLES) expect(await daysOf(table)).toEqual([...wanted, '20310303'])
})

test('a partition has the indexes of its table, and takes the rows of its day', async () => {
  await world.ledger.makePartitions(new Date(), 1)
  const entry = entryOf()
  await world.ledger.record(entry)
  const [row] =
    await world.sql`SELECT tableoid::regclass::text AS lies FROM requests WHERE id = ${entry.request.id}`
  expect(row?.lies).toMatch(/^requests_\d{8}$/)
  const [indexes] = await world.sql`
    SELECT (SELECT count(*)::int FROM pg_indexes WHERE tablename = 'events') AS whole,
           (SELECT count(*)::int FROM pg_indexes WHERE tablename = replace(${row?.lies}, 'requests', 'events')) AS day`
  expect(indexes?.day).toBe(indexes?.whole)
})

test('two processes may make them at once', async () => {
  const others = [openLedger(url), openLedger(url), openLedger(url)]
  const now = new Date('2032-01-01T12:00:00Z')
  await Promise.all([world, ...others].map(({ ledger }) => ledger.makePartitions(now, 3)))
  for (const table of TABLES) expect(await daysOf(table)).toHaveLength(4)
  await Promise.all(others.map((other) => other.close()))
})

test('a row of a day without a partition is never refused: neither before, nor after a jump of the clock', async () => {
  await world.ledger.makePartitions(new Date(), 1)
  for (const day of [new Date('2019-05-05'), new Date(Date.now() + 400 * DAY_MS)]) {
    const at = (last: string) => firstIdAt(day).replace(/.$/, last)
    const entry = entryOf({ id: at('1'), receivedAt: day }, { id: at('2'), runId: at('3') })
    await world.ledger.record(entry)
    const [deliveryId] = await runInto(world.ledger, at('3'), 1)
    expect(deliveryId).toBeDefined()
    const [row] = await world.sql`SELECT tableoid::regclass::text AS lies FROM requests WHERE id = ${at('1')}`
    expect(row?.lies).toBe('requests_default')
    // The day stays there, and those beside it are made all the same.
    await world.ledger.makePartitions(day, 1)
    expect(await daysOf('requests')).not.toContain(day.toISOString().slice(0, 10).replaceAll('-', ''))
    expect(await daysOf('requests')).toContain(
      new Date(day.getTime() + DAY_MS).toISOString().slice(0, 10).replaceAll('-', ''),
    )
    expect(await world.ledger.findEvent(at('2'))).toMatchObject({ state: 'delivering' })
  }
})

test('making partitions stops no ack, also while a long search reads the tables', async () => {
  await world.ledger.makePartitions(new Date(), 0)
  const { ledger } = world
  await ledger.record(entryOf())
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const { promise: reading, resolve: reads } = Promise.withResolvers<void>()
  const search = world.sql.begin(async (transaction) => {
    await transaction`SELECT count(*) FROM requests JOIN events ON true JOIN runs ON true`
    reads()
    await ended
  })
  await reading
  const making = ledger.makePartitions(new Date(), 1)
  const expectWaiting = async () => {
    const waiting = await world.sql`
      SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = database
      WHERE datname = current_database() AND NOT granted AND mode = 'AccessExclusiveLock'`
    expect(waiting.length).toBeGreaterThan(0)
  }
  await eventually(expectWaiting)
  for (let count = 0; count < 5; count += 1) await ledger.record(entryOf({ id: newId() }))
  await expectWaiting()
  end()
  await search
  await making
  for (const table of TABLES) expect(await daysOf(table)).toHaveLength(2)
})
