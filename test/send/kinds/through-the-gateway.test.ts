import { mkdtemp, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openRoad, type Road } from '../../road/world.ts'
import { eventually } from '../../world/eventually.ts'
import { type PostgresServer, startPostgres } from '../../world/postgres.ts'

let server: PostgresServer
let sql: postgres.Sql
let ledger: postgres.Sql
let road: Road
let files: string

beforeAll(async () => {
  server = await startPostgres({ isStranger: true })
  sql = postgres(server.url, { max: 1, onnotice: () => {} })
  await sql`CREATE TABLE orders (id int, total numeric)`
  await sql`CREATE ROLE shop LOGIN PASSWORD 'shop-password'`
  await sql`GRANT ALL ON SCHEMA public TO shop`
  await sql`GRANT ALL ON orders TO shop`
  files = await mkdtemp(path.join(inject('scratch'), 'files-'))
  const env = { OUTBOUND_ALLOWED: `127.0.0.1:${server.port}`, FILES_DIR: files, SWEEP_SECONDS: '1' }
  road = await openRoad({ env })
  ledger = postgres(road.world.env.DATABASE_URL ?? '', { max: 1 })
})
afterAll(async () => {
  await ledger.end()
  await road.close()
  await sql.end()
  await server.stop()
})

const table = () => ({
  kind: 'postgres',
  host: '127.0.0.1',
  port: server.port,
  tls: false,
  database: new URL(server.url).pathname.slice(1),
  auth: { username: 'shop', password: 'shop-password' },
  table: 'orders',
  columns: { id: 'id', total: 'total' },
})

async function destinationOf(config: object): Promise<string> {
  const answer = await road.api.call('POST', '/destinations', { applicationId: road.shop, name: 'd', config })
  expect(answer).toMatchObject({ status: 201 })
  return answer.body.id
}

function integrationTo(...destinations: string[]): Promise<string> {
  const pushes = destinations.map((destination, at) => ({ id: `p${at}`, kind: 'push', destination }))
  const fan = { id: 'fan', kind: 'transform', next: pushes.map(({ id }) => id) }
  return road.integration([fan, ...pushes])
}

test('an event becomes a row and a line, its attempts say what was done, and nobody sees the password', async () => {
  const [rows, lines] = [
    await destinationOf(table()),
    await destinationOf({ kind: 'file', name: 'orders.ndjson' }),
  ]
  const id = await integrationTo(rows, lines)
  expect((await road.world.send(id, '{"id":1,"total":12345678901234567890}')).status).toBe(200)
  const event = await road.api.eventIn(id, 'delivered')
  expect(await sql`SELECT id, total::text FROM orders WHERE id = 1`).toEqual([
    { id: 1, total: '12345678901234567890' },
  ])
  expect(await readFile(path.join(files, 'orders.ndjson'), 'utf8')).toContain(
    '"item":{"id":1,"total":12345678901234567890}',
  )
  const shown = JSON.stringify(
    [event, (await road.api.call('GET', `/destinations/${rows}`)).body],
    (_key, value) => (typeof value === 'bigint' ? String(value) : value),
  )
  expect(shown).toContain('INSERT INTO \\"orders\\"')
  expect(shown).toContain('1 row written')
  expect(shown).toContain('file:orders.ndjson')
  expect(shown).toContain('"password":"***"')
  expect(shown).not.toContain('shop-password')
  const [stored] = await ledger`SELECT config FROM destinations WHERE id = ${rows}`
  expect(stored?.config).not.toContain('shop-password')
})

test('a test sent by an operator is marked in a file, and taken back from a table where it went as any row', async () => {
  const tryOut = async (config: object, item: object) => {
    const id = await destinationOf(config)
    return (await road.api.call('POST', `/destinations/${id}/test`, { item })).body
  }
  const sent = await tryOut(table(), { id: 4, total: 1 })
  expect(sent).toMatchObject({
    delivered: true,
    responseBody: { text: '1 row written, and taken back: this was a test' },
  })
  expect(await sql`SELECT id FROM orders WHERE id = 4`).toEqual([])
  const { delivery } = Object.fromEntries(sent.request.headers)
  expect(await sql`SELECT id FROM sluice_deliveries WHERE id = ${delivery}`).toEqual([])
  expect(await tryOut(table(), { id: 'no number', total: 1 })).toMatchObject({ delivered: false })
  await sql`CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)`
  await sql`GRANT ALL ON late TO shop`
  await sql`INSERT INTO late VALUES (1)`
  const late = await tryOut({ ...table(), table: 'late', columns: { id: 'id' } }, { id: 1 })
  expect(late).toMatchObject({ delivered: false, reason: expect.stringContaining('bad_payload') })

  expect(await tryOut({ kind: 'file', name: 'tried.ndjson' }, { id: 4 })).toMatchObject({ delivered: true })
  const line = JSON.parse(await readFile(path.join(files, 'tried.ndjson'), 'utf8'))
  expect(line).toMatchObject({ test: true, item: { id: 4 } })
})

test('what a worker had brought when it was killed, and had not written down, is not brought twice', async () => {
  const [rows, lines] = [
    await destinationOf(table()),
    await destinationOf({ kind: 'file', name: 'killed.ndjson' }),
  ]
  const id = await integrationTo(rows, lines)
  await road.world.send(id, '{"id":2,"total":1}')
  const event = await road.api.eventIn(id, 'delivered')
  // As the ledger stands when the worker dies after the commit of the destination and before its own.
  await ledger.begin(async (sql) => {
    await sql`DELETE FROM attempts WHERE delivery_id IN (SELECT id FROM deliveries WHERE event_id = ${event.id})`
    const taken = await sql`
      UPDATE deliveries SET state = 'sending', ended_at = NULL, queued_at = now() - interval '1 hour',
        lease_until = now() - interval '1 second' WHERE event_id = ${event.id} RETURNING id, run_id`
    expect(taken).toHaveLength(2)
    await sql`UPDATE runs SET state = 'delivering', ended_at = NULL, deliveries_open = 2 WHERE id = ${taken[0]?.run_id}`
    await sql`UPDATE events SET state = 'delivering' WHERE id = ${event.id}`
  })
  const again = await eventually(async () => {
    const found = await road.api.event(event.id)
    expect(found.state).toBe('delivered')
    return found
  }, 25_000)
  const attempts = again.runs.flatMap((run: any) => run.deliveries.flatMap((one: any) => one.attempts))
  expect(attempts.map((one: any) => one.verdict).toSorted()).toEqual([
    'delivered',
    'delivered',
    'interrupted',
    'interrupted',
  ])
  expect(attempts.filter((one: any) => /delivered before/.test(one.reason))).toHaveLength(2)
  expect(await sql`SELECT id FROM orders WHERE id = 2`).toHaveLength(1)
  expect((await readFile(path.join(files, 'killed.ndjson'), 'utf8')).trim().split('\n')).toHaveLength(1)
})

test('the database of Sluice itself is refused, whoever asks', async () => {
  const own = new URL(road.world.env.DATABASE_URL ?? '')
  const config = {
    ...table(),
    port: Number(own.port),
    database: own.pathname.slice(1),
    auth: {
      username: decodeURIComponent(own.username),
      password: decodeURIComponent(own.password) || 'none',
    },
    table: 'events',
  }
  const refused = await openRoad({ env: { OUTBOUND_ALLOWED: `${own.hostname}:${own.port}` } })
  const { body } = await refused.api.call('POST', '/destinations', {
    applicationId: refused.shop,
    name: 'own',
    config: { ...config, host: own.hostname },
  })
  const id = await refused.integration([{ id: 'p', kind: 'push', destination: body.id }])
  await refused.world.send(id, '{"id":3,"total":1}')
  const event = await refused.api.eventIn(id, 'dead')
  expect(JSON.stringify(event.runs[0].deliveries[0].reason)).toContain('own_server')
  await refused.close()
})

test('a folder for files is only what the operator names: none, and nothing is written', async () => {
  const without = await openRoad()
  const { body } = await without.api.call('POST', '/destinations', {
    applicationId: without.shop,
    name: 'file',
    config: { kind: 'file', name: 'never.ndjson' },
  })
  const id = await without.integration([{ id: 'p', kind: 'push', destination: body.id }])
  await without.world.send(id, '{"id":3}')
  const event = await without.api.eventIn(id, 'dead')
  expect(event.runs[0].deliveries[0].reason).toContain('FILES_DIR')
  await expect(stat(path.join(files, 'never.ndjson'))).rejects.toMatchObject({ code: 'ENOENT' })
  await without.close()
})
