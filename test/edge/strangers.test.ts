import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../world/eventually.ts'
import { ACCEPTED, answersOn, type EdgeWorld, openSocket, startEdge } from './world.ts'

let world: EdgeWorld
let known: string
let disabled: string
let shut: string

/** Tests come through a trusted proxy and so choose their address: .5 is allowed, .66 is a stranger. */
const FRIEND = { 'x-forwarded-for': '203.0.113.5' }
const STRANGER = { 'x-forwarded-for': '203.0.113.66' }

beforeAll(async () => {
  world = await startEdge({
    TRUSTED_PROXIES: '127.0.0.1',
    RETRIEVE_ALLOWED_LIST: '203.0.113.5',
    BASE_DOMAIN: 'hooks.test',
  })
  known = await world.integration({ limits: { requestsPerSecondMax: 0.001 } })
  disabled = await world.integration({}, { enabled: false })
  const closed = await world.api.application('closed', { webhooksEnabled: false })
  shut = (await world.api.integration(closed.id, { nodes: [{ id: 'n', kind: 'transform' }] })).id
})
afterAll(() => world.close())

test('a stranger gets the same bytes for every id, method, type, host and body', async () => {
  const head = (line: string, more = '') =>
    `${line} HTTP/1.1\r\nhost: h\r\nx-forwarded-for: 203.0.113.66\r\nconnection: close\r\n${more}\r\n`
  const json = 'content-type: application/json\r\ncontent-length: 2\r\n'
  const asked = [
    head(`POST /integration/${known}`, json).concat('{}'),
    head(`POST /integration/${known}`, json).concat('{}'),
    head('POST /integration/0123456789abcdef01234567', json).concat('{}'),
    head(`POST /integration/${disabled}`, json).concat('{}'),
    head(`POST /integration/${shut}`, json).concat('{}'),
    head(`POST /integration/${known}/xml`, json).concat('{}'),
    head(`PUT /integration/${known}`, json).concat('{}'),
    head(`GET /integration/${known}`),
    head(`TRACE /integration/${known}`),
    head(`POST /integration/${known}`, 'content-type: image/gif\r\ncontent-length: 0\r\n'),
    head(`POST /integration/${known}`, 'content-length: 99999999999\r\n'),
    head(`POST /integration/${known}?token=1`, json).concat('{}'),
    head(`POST http://webhook-shop.hooks.test/integration/${known}`, json).concat('{}'),
    head(`POST http://webhook-nobody.hooks.test/integration/${known}`, json).concat('{}'),
    head('POST /integration/%00%ff', json).concat('{}'),
    head('POST /integration/a/b/c', json).concat('{}'),
  ]
  const answers = new Set<string>()
  for (const bytes of asked) {
    const answer = await world.raw(bytes, { until: /\}$/ })
    answers.add(answer.replace(/\r\ndate: [^\r]*/i, ''))
  }
  expect([...answers]).toHaveLength(1)
  expect([...answers][0]).toMatch(
    /^HTTP\/1\.1 403 [\s\S]*\(203\.0\.113\.66\) isn't authorized on Retrieve"\}$/,
  )
})

test("a stranger's body is not waited for", async () => {
  const started = performance.now()
  const answer = await world.raw(
    `POST /integration/${known} HTTP/1.1\r\nhost: h\r\nx-forwarded-for: 203.0.113.66\r\ncontent-length: 9000000\r\n\r\n`,
    { until: /\}$/ },
  )
  expect(answer).toMatch(/^HTTP\/1\.1 403 /)
  expect(performance.now() - started).toBeLessThan(5_000)
})

test('a stranger who goes on sending his body has his answer, and loses the connection', async () => {
  const socket = await openSocket(world.port)
  const answers = answersOn(socket, { withinMs: 5_000 })
  socket.write(
    `POST /integration/${known} HTTP/1.1\r\nhost: h\r\nx-forwarded-for: 203.0.113.66\r\ntransfer-encoding: chunked\r\n\r\n`,
  )
  const drip = setInterval(() => socket.writable && socket.write('5\r\nhello\r\n'), 20)
  expect(await answers).toMatch(/^HTTP\/1\.1 403 /)
  clearInterval(drip)
})

test('a stranger who asks first is never invited to send, a friend is', async () => {
  const ask = async (address: string, id: string) => {
    const socket = await openSocket(world.port)
    const answers = answersOn(socket, { until: /\}$/ })
    socket.once('data', (chunk) => {
      if (chunk.toString().startsWith('HTTP/1.1 100')) socket.write('{}')
    })
    socket.write(
      `POST /integration/${id} HTTP/1.1\r\nhost: h\r\nx-forwarded-for: ${address}\r\ncontent-type: application/json\r\n` +
        'expect: 100-continue\r\ncontent-length: 2\r\n\r\n',
    )
    return answers
  }
  const open = await world.integration()
  expect(await ask('203.0.113.66', open)).toMatch(/^HTTP\/1\.1 403 /)
  expect(await ask('203.0.113.5', open)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
  expect(await ask('203.0.113.5', 'nobody-knows')).toMatch(/^HTTP\/1\.1 404 /)
})

test('the management API still invites a body that asks first', async () => {
  const answer = await world.ask('/api/v1/applications', {
    headers: { expect: '100-continue', 'content-type': 'application/json' },
    body: '{}',
  })
  expect(answer.status).toBe(401)
})

test('what a stranger sends is written down without its body', async () => {
  const id = await world.integration()
  await world.send(id, '{"never":"read"}', STRANGER)
  const [row] = await eventually(async () => {
    const rows = await world.sql`SELECT body, body_bytes, outcome FROM requests WHERE integration_id = ${id}`
    expect(rows).toHaveLength(1)
    return rows
  })
  expect(row).toMatchObject({ body: null, body_bytes: 0, outcome: 'not_allowed' })
})

test('a list of the application and a list of the integration let in beside the common one', async () => {
  const at = (address: string) => ({ 'x-forwarded-for': address })
  const app = await world.api.application('own-list', { allowedList: ['198.51.100.0/24'] })
  const definition = { nodes: [{ id: 'n', kind: 'transform' }], allowedList: ['2001:db8::/32'] }
  const { id } = await world.api.integration(app.id, definition)
  const other = await world.integration()
  expect(await world.send(id, '{}', FRIEND)).toMatchObject(ACCEPTED)
  for (const address of ['198.51.100.7', '2001:db8:1::7']) {
    expect(await world.send(id, '{}', at(address))).toMatchObject(ACCEPTED)
    expect((await world.send(other, '{}', at(address))).status).toBe(403)
  }
  expect((await world.send(id, '{}', at('198.51.101.7'))).status).toBe(403)
})

test('with no list at all nobody gets in, and with * everybody', async () => {
  const closed = await startEdge({ RETRIEVE_ALLOWED_LIST: '' })
  expect((await closed.send(await closed.integration())).status).toBe(403)
  expect(await closed.send(await closed.integration({ allowedList: ['*'] }))).toMatchObject(ACCEPTED)
  await closed.close()
})
