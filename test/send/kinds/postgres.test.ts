import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseExact } from '../../../src/payload/exact-json.ts'
import { newId } from '../../../src/platform/ids.ts'
import { systemIdentifierOf } from '../../../src/platform/postgres.ts'
import { startCuttingWay } from '../../world/cutting-way.ts'
import { freshDatabase } from '../../world/database.ts'
import { eventually } from '../../world/eventually.ts'
import { startPostgres } from '../../world/postgres.ts'
import { type Bench, openBench, verdictOf } from './world.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let sql: postgres.Sql
let bench: Bench
let given: ReturnType<typeof givenAt>

function givenAt(url: string, rest: object = {}) {
  const { hostname: host, port, username, password, pathname } = new URL(url)
  return {
    kind: 'postgres' as const,
    host,
    port: Number(port || 5432),
    tls: false,
    database: pathname.slice(1),
    auth: {
      username: decodeURIComponent(username),
      ...(password && { password: decodeURIComponent(password) }),
    },
    table: 'orders',
    columns: {
      id: 'order.id',
      total: 'order.total',
      paid: 'order.paid',
      lines: 'order.lines',
      note: { template: 'No. {{ order.id }}' },
    },
    ...rest,
  }
}

const order = (rest: object = {}) => ({
  order: { id: 7, total: '12.50', paid: false, lines: [{ sku: 'a' }], ...rest },
})

beforeAll(async () => {
  database = await freshDatabase()
  sql = postgres(database.url, { max: 2, onnotice: () => {} })
  given = givenAt(database.url)
})
beforeEach(async () => {
  bench = openBench([given.port])
  await sql`DROP TABLE IF EXISTS orders, sluice_deliveries`
  await sql`CREATE TABLE orders (id numeric PRIMARY KEY, total numeric(12, 2), paid boolean, lines jsonb, note text)`
})
afterEach(() => bench.close())
afterAll(async () => {
  await sql.end()
  await database.drop()
})

const rows = () => sql`SELECT id::text, total::text, paid, lines, note FROM orders ORDER BY orders.id`

describe('a table in PostgreSQL', () => {
  test('gets a row for an item, each value as its column reads it, and the attempt shows the statement', async () => {
    const sent = await bench.send(given, order())
    expect(verdictOf(sent)).toBe('delivered success')
    expect(sent.came).toBe('1 row written')
    expect(await rows()).toEqual([
      { id: '7', total: '12.50', paid: false, lines: [{ sku: 'a' }], note: 'No. 7' },
    ])
    expect(sent.request).toMatchObject({
      method: 'INSERT',
      url: expect.stringMatching(/^postgres:\/\/.*\/orders$/),
    })
    expect(Object.fromEntries(sent.request.headers)).toMatchObject({
      statement: 'INSERT INTO "orders" ("id", "total", "paid", "lines", "note") VALUES ($1, $2, $3, $4, $5)',
    })
  })

  test('keeps every digit', async () => {
    const item = parseExact(
      '{"order":{"id":123456789012345678901234567890,"total":0.10,"paid":true,"lines":[1e400]}}',
    )
    const columns = { id: 'order.id', total: 'order.total', paid: 'order.paid', note: 'order.lines' }
    expect(verdictOf(await bench.send({ ...given, columns }, item))).toBe('delivered success')
    expect(await rows()).toMatchObject([
      { id: '123456789012345678901234567890', total: '0.10', paid: true, note: '[1e400]' },
    ])
  })

  test('gets a row for each element of a list, all or none', async () => {
    const list = [order(), order({ id: 8 }), order({ id: 9 })]
    expect((await bench.send(given, list)).came).toBe('3 rows written')
    const clash = [order({ id: 10 }), order({ id: 8 })]
    expect(verdictOf(await bench.send(given, clash))).toBe('dead bad_payload')
    expect((await rows()).map(({ id }) => id)).toEqual(['7', '8', '9'])
  })

  test('has a row updated by its key, and of those in one item the last', async () => {
    const upsert = { ...given, key: ['id'] }
    await bench.send(upsert, order())
    const again = [order({ total: '1.00' }), order({ total: '2.00' }), order({ id: 8 })]
    expect(verdictOf(await bench.send(upsert, again))).toBe('delivered success')
    expect(await rows()).toMatchObject([{ id: '7', total: '2.00' }, { id: '8' }])
  })

  test('is written once for a delivery, however often it comes and even at the same moment', async () => {
    await sql`ALTER TABLE orders DROP CONSTRAINT orders_pkey`
    const deliveryId = newId()
    const sent = await Promise.all(
      Array.from({ length: 6 }, () => bench.send(given, order(), { deliveryId })),
    )
    expect(sent.map(verdictOf)).toEqual(Array.from({ length: 6 }, () => 'delivered success'))
    expect(sent.map(({ came }) => came).toSorted()).toEqual([
      '1 row written',
      ...Array.from({ length: 5 }, () => 'delivered before: nothing was written'),
    ])
    expect(await rows()).toHaveLength(1)
  })

  test('is not written again when the answer to the commit was lost', async () => {
    const way = await startCuttingWay(given.port)
    const cutting = openBench([way.port])
    const deliveryId = newId()
    const lost = await cutting.send({ ...given, port: way.port }, order(), { deliveryId })
    expect(verdictOf(lost)).toBe('retry reset')
    expect(await rows()).toHaveLength(1)
    const again = await bench.send(given, order(), { deliveryId, number: 2 })
    expect(again.came).toBe('delivered before: nothing was written')
    expect(await rows()).toHaveLength(1)
    await cutting.close()
    await way.close()
  })

  const missing: [string, object, string, RegExp][] = [
    ['a table', { table: 'nothing' }, 'dead not_found', /check schema and table/],
    ['a column', { columns: { nothing: 'order.id' } }, 'dead not_found', /check the columns/],
    ['a database', { database: 'nothing' }, 'dead not_found', /check the database/],
    ['a schema', { schema: 'nothing' }, 'dead not_found', /check/],
    ['a unique index for its key', { key: ['note'] }, 'dead not_found', /needs a unique index/],
    [
      'a user',
      { auth: { username: 'nobody', password: 'wrong-password' } },
      'dead unauthorized',
      /check the auth/,
    ],
    ['a field', { columns: { id: 'nothing' } }, 'dead unsendable', /"id" cannot be filled in/],
  ]
  test.each(missing)('that lacks %s ends the delivery with advice', async (_name, rest, verdict, advice) => {
    const sent = await bench.send({ ...given, ...rest }, order())
    expect(verdictOf(sent)).toBe(verdict)
    expect(sent.verdict.message).toMatch(advice)
  })

  test('that refuses a value ends the delivery', async () => {
    expect(verdictOf(await bench.send(given, order({ total: 'much' })))).toBe('dead bad_payload')
    expect(verdictOf(await bench.send(given, order({ id: null })))).toBe('dead bad_payload')
    expect(await rows()).toEqual([])
  })

  test('whose table of deliveries was taken away gets another one, and the delivery is tried again', async () => {
    await bench.send(given, order())
    await sql`DROP TABLE sluice_deliveries`
    const deliveryId = newId()
    expect(verdictOf(await bench.send(given, order({ id: 8 }), { deliveryId }))).toBe('retry server_error')
    const again = await bench.send(given, order({ id: 8 }), { deliveryId, number: 2 })
    expect(verdictOf(again)).toBe('delivered success')
  })

  test('that is locked for too long is tried again, and holds nothing afterwards', async () => {
    const impatient = { ...given, timeoutMs: 700 }
    await bench.send(impatient, order())
    await sql.begin(async (holder) => {
      await holder`LOCK TABLE orders`
      expect(verdictOf(await bench.send(impatient, order({ id: 8 })))).toMatch(/^retry (timeout|busy)$/)
    })
    expect(verdictOf(await bench.send(given, order({ id: 8 })))).toBe('delivered success')
  })
})

describe('what is never written to', () => {
  test('is the PostgreSQL of Sluice itself, under whatever address and database', async () => {
    const own = { postgres: () => systemIdentifierOf(sql), redis: async () => [] }
    const ours = openBench([given.port], { own })
    const sent = await ours.send({ ...given, database: 'postgres' }, order())
    expect(verdictOf(sent)).toBe('dead own_server')
    expect(verdictOf(await ours.send(given, order()))).toBe('dead own_server')
    expect(await sql`SELECT to_regclass('sluice_deliveries') AS name`).toEqual([{ name: null }])
    await ours.close()
  })

  test('is told from others also by a user without rights', async () => {
    const name = `plain_${Date.now()}`
    await sql.unsafe(`CREATE ROLE ${name} LOGIN PASSWORD 'plain-password'`)
    const own = { postgres: () => systemIdentifierOf(sql), redis: async () => [] }
    const ours = openBench([given.port], { own })
    const plain = { ...given, auth: { username: name, password: 'plain-password' } }
    expect(verdictOf(await ours.send(plain, order()))).toBe('dead own_server')
    expect((await bench.send(plain, order())).verdict.message).toMatch(
      /may not make the table of deliveries.*CREATE TABLE/,
    )
    await ours.close()
    await sql.unsafe(`DROP ROLE ${name}`)
  })

  test('is a private address that the operator has not allowed', async () => {
    const strict = openBench([])
    const sent = await strict.send(given, order())
    expect(verdictOf(sent)).toBe('dead blocked_address')
    expect(sent.verdict.message).toContain('OUTBOUND_ALLOWED')
    await strict.close()
  })
})

test('a server that is away is tried again, and written to when it is back', {
  timeout: 60_000,
}, async () => {
  const server = await startPostgres({ isStranger: true })
  const other = openBench([server.port])
  const there = givenAt(server.url)
  const admin = () => postgres(server.url, { max: 1, onnotice: () => {} })
  const first = admin()
  await first`CREATE TABLE orders (id int PRIMARY KEY, total text, paid text, lines text, note text)`
  await first.end()
  expect(verdictOf(await other.send(there, order()))).toBe('delivered success')
  // Sessions of a killed PostgreSQL live on for a moment and may still commit.
  await server.stop()
  const deliveryId = newId()
  const away = await other.send(there, order({ id: 8 }), { deliveryId })
  expect(away.verdict).toMatchObject({
    verdict: 'retry',
    reason: expect.stringMatching(/^(connect|reset|server_error)$/),
  })
  await server.restart()
  // It lets nobody in before it has recovered.
  await eventually(async () => {
    const back = await other.send(there, order({ id: 8 }), { deliveryId, number: 2 })
    expect(verdictOf(back)).toBe('delivered success')
  })
  await other.close()
  await server.stop()
})

/** Those that are there now and were not before: others may end at any time. */
async function linksBesides(before: number[] = []): Promise<number[]> {
  const found = await sql<{ pid: number }[]>`
    SELECT pid FROM pg_stat_activity WHERE application_name = 'sluice' AND datname = current_database()`
  return found.map(({ pid }) => pid).filter((pid) => !before.includes(pid))
}

test('links are at most eight, and whoever finds none waits for one', async () => {
  const own = openBench([given.port])
  const before = await linksBesides()
  const sent = await Promise.all(Array.from({ length: 40 }, (_, id) => own.send(given, order({ id }))))
  expect(new Set(sent.map(verdictOf))).toEqual(new Set(['delivered success']))
  expect(await linksBesides(before)).toHaveLength(8)
  expect(await rows()).toHaveLength(40)
  await own.close()
})

test('links are kept between deliveries and closed with the senders', async () => {
  const own = openBench([given.port])
  const before = await linksBesides()
  for (let id = 1; id <= 5; id++) await own.send(given, order({ id }))
  expect(await linksBesides(before)).toHaveLength(1)
  await own.close()
  await expect.poll(() => linksBesides(before)).toEqual([])
})
