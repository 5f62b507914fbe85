import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseExact } from '../../src/payload/exact-json.ts'
import { newId } from '../../src/platform/ids.ts'
import { type Bench, openBench, verdictOf } from '../send/kinds/world.ts'
import { startCuttingWay } from '../world/cutting-way.ts'
import { type Mariadb, type OwnMariadb, openMariadb, startMariadb } from './mariadb.ts'

let server: Mariadb
let own: OwnMariadb | undefined
let bench: Bench
let given: Given

const order = (rest: object = {}) => ({
  order: { id: 7, total: '12.50', paid: false, lines: [{ sku: 'ä€😀' }], ...rest },
})

type Given = Parameters<Bench['send']>[0] & { port: number }

function configAt({ host, port, database, auth }: Mariadb): Given {
  return {
    kind: 'mysql',
    host,
    port,
    tls: false,
    database,
    auth,
    table: 'orders',
    columns: {
      id: 'order.id',
      total: 'order.total',
      paid: 'order.paid',
      lines: 'order.lines',
      note: { template: 'No. {{ order.id }}' },
    },
  }
}

/** One that may be killed, and speaks TLS: the same, unless the address of another was given. */
async function ownServer(): Promise<OwnMariadb> {
  own ??= 'kill9' in server ? (server as OwnMariadb) : await startMariadb()
  if (own !== server) await makeTable(own)
  return own
}

async function makeTable(where: Mariadb): Promise<void> {
  await where.ask('DROP TABLE IF EXISTS orders, sluice_deliveries')
  await where.ask(
    'CREATE TABLE orders (id decimal(30) PRIMARY KEY, total decimal(12, 2), paid boolean, `lines` json, note varchar(20)) CHARACTER SET utf8mb4',
  )
}

beforeAll(async () => {
  server = await openMariadb()
  given = configAt(server)
})
beforeEach(async () => {
  bench = openBench([server.port], { host: server.host })
  await makeTable(server)
})
afterEach(() => bench.close())
afterAll(async () => {
  await server.close()
  if (own && own !== server) await own.close()
})

const rows = (where = server) =>
  where.ask('SELECT CAST(id AS CHAR) AS id, total, paid, `lines`, note FROM orders ORDER BY orders.id')

describe('a table in MySQL or MariaDB', () => {
  test('gets a row for an item, and keeps every digit and letter', async () => {
    const sent = await bench.send(given, order())
    expect(sent.verdict).toMatchObject({ verdict: 'delivered', message: '1 row written' })
    const long = parseExact(
      '{"order":{"id":123456789012345678901234567890,"total":0.10,"paid":true,"lines":[1.10]}}',
    )
    expect(verdictOf(await bench.send(given, long))).toBe('dead bad_payload')
    const { note: _note, ...columns } = (given as unknown as { columns: Record<string, string> }).columns
    expect(verdictOf(await bench.send({ ...given, columns }, long))).toBe('delivered success')
    expect(await rows()).toEqual([
      { id: '7', total: '12.50', paid: 0, lines: [{ sku: 'ä€😀' }], note: 'No. 7' },
      { id: '123456789012345678901234567890', total: '0.10', paid: 1, lines: [1.1], note: null },
    ])
    expect(Object.fromEntries(sent.request.headers)).toMatchObject({
      statement: 'INSERT INTO `orders` (`id`, `total`, `paid`, `lines`, `note`) VALUES (?, ?, ?, ?, ?)',
    })
  })

  test('has the rows of a test taken back', async () => {
    const deliveryId = newId()
    const sent = await bench.send(given, order(), { deliveryId, isTest: true })
    expect(verdictOf(sent)).toBe('delivered success')
    expect(sent.came).toBe('1 row written, and taken back: this was a test')
    expect(await rows()).toEqual([])
    expect((await bench.send(given, order(), { deliveryId })).came).toBe('1 row written')
  })

  test('gets a row for each element of a list, all or none', async () => {
    expect((await bench.send(given, [order(), order({ id: 8 })])).came).toBe('2 rows written')
    expect(verdictOf(await bench.send(given, [order({ id: 10 }), order({ id: 8 })]))).toBe('dead bad_payload')
    expect((await rows()).map(({ id }) => id)).toEqual(['7', '8'])
  })

  test('has a row updated by its key', async () => {
    const upsert = { ...given, key: ['id'] }
    await bench.send(upsert, order())
    const sent = await bench.send(upsert, [
      order({ total: '1.00' }),
      order({ total: '2.00' }),
      order({ id: 8 }),
    ])
    expect(verdictOf(sent)).toBe('delivered success')
    expect(await rows()).toMatchObject([{ id: '7', total: '2.00' }, { id: '8' }])
    const missing = await bench.send({ ...given, key: ['note'] }, order())
    expect(verdictOf(missing)).toBe('dead not_found')
    expect(missing.verdict.message).toMatch(/unique index/)
  })

  test('is written once for a delivery, however often it comes and even at the same moment', async () => {
    await server.ask('ALTER TABLE orders DROP PRIMARY KEY')
    const deliveryId = newId()
    const sent = await Promise.all(
      Array.from({ length: 6 }, () => bench.send(given, order(), { deliveryId })),
    )
    expect(sent.map(verdictOf)).toEqual(Array.from({ length: 6 }, () => 'delivered success'))
    expect(await rows()).toHaveLength(1)
  })

  test('is not written again when the answer to the commit was lost', async () => {
    const way = await startCuttingWay(server.port, server.host)
    const cutting = openBench([way.port])
    const deliveryId = newId()
    const over = { ...given, host: '127.0.0.1', port: way.port }
    expect(verdictOf(await cutting.send(over, order(), { deliveryId }))).toBe('retry reset')
    expect(await rows()).toHaveLength(1)
    const again = await bench.send(given, order(), { deliveryId, number: 2 })
    expect(again.came).toBe('delivered before: nothing was written')
    expect(await rows()).toHaveLength(1)
    await cutting.close()
    await way.close()
  })

  const missing: [string, object, string][] = [
    ['a table', { table: 'nothing' }, 'dead not_found'],
    ['a column', { columns: { nothing: 'order.id' } }, 'dead not_found'],
    ['a database', { database: 'nothing' }, 'dead unauthorized'],
    ['a user', { auth: { username: 'nobody', password: 'wrong-password' } }, 'dead unauthorized'],
  ]
  test.each(missing)('that lacks %s ends the delivery with advice', async (_name, rest, verdict) => {
    const sent = await bench.send({ ...given, ...rest }, order())
    expect(verdictOf(sent)).toBe(verdict)
    expect(sent.verdict.message).toMatch(/check the/)
  })

  test('refuses what does not fit instead of cutting it, and what has no transactions', async () => {
    const long = { ...given, columns: { id: 'order.id', note: 'order.note' } }
    expect(verdictOf(await bench.send(long, order({ note: 'x'.repeat(21) })))).toBe('dead bad_payload')
    expect(verdictOf(await bench.send(given, order({ id: null })))).toBe('dead bad_payload')
    await server.ask('ALTER TABLE orders ENGINE = MyISAM')
    const other = openBench([server.port], { host: server.host })
    const sent = await other.send(given, order())
    expect(verdictOf(sent)).toBe('dead not_allowed')
    await other.close()
    expect(await rows()).toEqual([])
  })

  test('over TLS is known by its certificate and its name', async () => {
    const { ca, ...where } = await ownServer()
    const known = openBench([where.port])
    const secure = { ...configAt(where), host: 'localhost', tls: true }
    expect(verdictOf(await known.send(secure, order()))).toBe('retry tls')
    expect(verdictOf(await known.send({ ...secure, ca }, order()))).toBe('delivered success')
    await known.close()
  })

  test('is a private address that the operator has to allow', async () => {
    const strict = openBench([])
    expect(verdictOf(await strict.send(given, order()))).toBe('dead blocked_address')
    await strict.close()
  })

  test('that is away is tried again, and written to when it is back', async () => {
    const killed = await ownServer()
    const known = openBench([killed.port])
    const there = configAt(killed)
    await known.send(there, order())
    await killed.kill9()
    const deliveryId = newId()
    expect(verdictOf(await known.send(there, order({ id: 8 }), { deliveryId }))).toMatch(
      /^retry (connect|reset)$/,
    )
    await killed.restart()
    const again = await known.send(there, order({ id: 8 }), { deliveryId, number: 2 })
    expect(verdictOf(again)).toBe('delivered success')
    expect(await rows(killed)).toHaveLength(2)
    await known.close()
  })
})
