import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../world/eventually.ts'
import { ACCEPTED, type EdgeWorld, startEdge } from './world.ts'

let world: EdgeWorld

beforeAll(async () => {
  world = await startEdge()
})
afterAll(() => world.close())

/** In every header and parameter of this test stands a word that occurs nowhere else. */
const WORD = /hush-[a-z0-9-]+/g

const HEADERS = {
  authorization: 'Bearer hush-authorization',
  'proxy-authorization': 'Basic hush-proxy',
  cookie: 'session=hush-cookie; a=b',
  'x-proof': 'hush-proof',
  'x-api-key': 'hush-api-key',
  'x-apikey': 'hush-apikey',
  'x-auth-token': 'hush-auth-token',
  'x-auth': 'hush-auth',
  'x-access-key': 'hush-access-key',
  'x-functions-key': 'hush-functions-key',
  'x-gitlab-token': 'hush-gitlab-token',
  'x-webhook-secret': 'hush-webhook-secret',
  'x-password': 'hush-password',
  'x-session-id': 'hush-session',
}
const QUERY =
  'a=1&token=hush-token&access_token=hush-access&%74oken=hush-escaped&apikey=hush-key&secret=hush-secret&code=hush-code&pwd=hush-pwd&b=2'

const PROOF = { scheme: 'header', header: 'X-Proof', secrets: [{ secret: 'hush-proof' }] }

test.each([
  ['accepted', HEADERS],
  ['unproven', { ...HEADERS, 'x-proof': 'hush-wrong' }],
])('credentials of a request that is %s are nowhere in the clear', async (outcome, headers) => {
  const id = await world.integration({ proof: PROOF })
  const answer = await world.ask(`/integration/${id}?${QUERY}`, {
    headers: { ...headers, 'x-plain': 'as it is' },
    body: '{}',
  })
  expect(answer.status).toBe(outcome === 'accepted' ? 200 : 401)
  const row = await eventually(async () => {
    const [stored] = await world.sql`SELECT * FROM requests WHERE integration_id = ${id}`
    expect(stored).toBeDefined()
    return stored
  })
  expect(JSON.stringify(row).match(WORD)).toBeNull()
  expect(row).toMatchObject({ outcome })
  const stored = new Map(JSON.parse(row?.headers) as [string, string][])
  for (const name of Object.keys(headers)) expect(stored.get(name)).toMatch(/^fingerprint:[0-9a-f]{12}$/)
  expect(stored.get('x-plain')).toBe('as it is')
  expect(row?.path).toMatch(/\?a=1&token=fingerprint:[0-9a-f]{12}&.*&b=2$/)
})

test('nor in any other table, or in the log', async () => {
  const tables = await world.sql<{ name: string }[]>`
    SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`
  expect(tables.length).toBeGreaterThan(5)
  for (const { name } of tables) {
    const rows = await world.sql`SELECT t::text AS row FROM ${world.sql(name)} t`
    expect([name, JSON.stringify(rows).match(WORD)]).toEqual([name, null])
  }
  expect(world.lines.length).toBeGreaterThan(0)
  expect(world.lines.join('').match(WORD)).toBeNull()
})

test('one secret has one fingerprint, another secret another', async () => {
  const id = await world.integration()
  for (const token of ['one', 'one', 'two']) await world.send(id, '{}', { authorization: token })
  const rows = await world.sql`SELECT headers FROM requests WHERE integration_id = ${id} ORDER BY id`
  const prints = rows.map((row) => new Map(JSON.parse(row.headers)).get('authorization'))
  expect(prints[0]).toBe(prints[1])
  expect(prints[0]).not.toBe(prints[2])
})

test('a user and password in an absolute address are not stored', async () => {
  const id = await world.integration()
  const answer = await world.raw(
    `POST http://user:hush-user@h/integration/${id}?a=1 HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`,
  )
  expect(answer).toContain(ACCEPTED.body)
  const [row] = await world.sql`SELECT path FROM requests WHERE integration_id = ${id}`
  expect(row?.path).toBe(`/integration/${id}?a=1`)
})

test('headers and path keep their order and spelling', async () => {
  const id = await world.integration()
  await world.raw(
    `POST /integration/${id}?x=%2f HTTP/1.1\r\nHOST: h\r\nX-B: 1\r\nx-A: \xe9\r\nX-b: 2\r\nContent-type: text/plain\r\ncontent-length: 2\r\nConnection: close\r\n\r\n{}`,
  )
  const [row] = await world.sql`SELECT headers, path FROM requests WHERE integration_id = ${id}`
  expect(row?.path).toBe(`/integration/${id}?x=%2f`)
  expect(JSON.parse(row?.headers).slice(0, 4)).toEqual([
    ['HOST', 'h'],
    ['X-B', '1'],
    ['x-A', 'é'],
    ['X-b', '2'],
  ])
})
