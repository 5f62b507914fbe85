import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../world/eventually.ts'
import { ACCEPTED, type EdgeWorld, expectHealthy, startEdge } from './world.ts'

const MIB = 1024 * 1024
let world: EdgeWorld

beforeAll(async () => {
  world = await startEdge({
    BODY_BYTES_MAX: '1000',
    COMPRESSED_BYTES_MAX: '200',
    HEADER_BYTES_MAX: '2048',
    LEDGER_SLOW_MS: '1000',
    STORE_WAIT_MS: '3000',
  })
})
afterAll(() => world.close())

/** A JSON string of exactly so many bytes. */
const text = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`
const noise = (bytes: number) => JSON.stringify(randomBytes(bytes).toString('hex').slice(0, bytes))

test.each([
  ['of the settings', {}, 1_000],
  ['of the integration, smaller', { bodyBytesMax: 500 }, 500],
  ['of the integration, larger', { bodyBytesMax: 5_000 }, 5_000],
  ['of the integration, the largest', { bodyBytesMax: 32 * MIB }, 32 * MIB],
])('a body may have exactly the limit %s', async (_whose, limits, bytes) => {
  const id = await world.integration({ limits })
  expect(await world.send(id, text(bytes))).toMatchObject(ACCEPTED)
  const tooLarge = { status: 413, body: `{"result":false,"error":"The body is larger than ${bytes} bytes"}` }
  expect(await world.send(id, text(bytes + 1))).toMatchObject(tooLarge)
})

test('a large body goes to a ledger that is well, also when its payload takes six times as much', async () => {
  const id = await world.integration({ limits: { bodyBytesMax: 10 * MIB } })
  const asked = { body: Buffer.alloc(10 * MIB, 1), headers: { 'content-type': 'text/plain' } }
  expect(await world.ask(`/integration/${id}`, asked)).toMatchObject(ACCEPTED)
  expect(world.lines.filter((line) => line.includes('kept in the journal'))).toEqual([])
})

test('no integration may have a larger limit than 32 MiB', async () => {
  const definition = { nodes: [{ id: 'n', kind: 'transform' }], limits: { bodyBytesMax: 32 * MIB + 1 } }
  const answer = await world.api.call('POST', '/integrations', {
    applicationId: world.shop.id,
    name: 'huge',
    definition,
  })
  expect(answer.status).toBe(400)
})

test('a body that does not announce its length is cut off at the limit', async () => {
  const id = await world.integration()
  const chunk = `ff\r\n${'x'.repeat(255)}\r\n`
  const answer = await world.raw(
    `POST /integration/${id} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(5)}`,
    { until: /\}$/ },
  )
  expect(answer).toMatch(/^HTTP\/1\.1 413 /)
})

test('an announced length beyond the limit is refused before a byte of it came', async () => {
  const id = await world.integration()
  const head = `POST /integration/${id} HTTP/1.1\r\nhost: h\r\ncontent-length: 1001\r\nexpect: 100-continue\r\n\r\n`
  expect(await world.raw(head, { until: /\}$/ })).toMatch(/^HTTP\/1\.1 413 /)
})

test('compressed bytes and decompressed bytes have each their limit', async () => {
  const id = await world.integration()
  const send = (body: Buffer) => world.send(id, body, { 'content-encoding': 'gzip' })
  const small = gzipSync(text(1_000))
  expect(small.length).toBeLessThan(200)
  expect(await send(small)).toMatchObject(ACCEPTED)
  expect(JSON.parse((await send(gzipSync(text(1_001)))).body).error).toBe(
    'The body is larger than 1000 bytes',
  )
  const large = gzipSync(noise(500))
  expect(large.length).toBeGreaterThan(200)
  expect(JSON.parse((await send(large)).body).error).toBe('The body is larger than 200 bytes')
})

test.each(['identity', '', 'Identity, identity'])(
  'a body of which nothing is to be undone (Content-Encoding: %s) has the limit of a plain one',
  async (encoding) => {
    const id = await world.integration()
    const send = (body: string) => world.send(id, body, { 'content-encoding': encoding })
    expect(await send(text(1_000))).toMatchObject(ACCEPTED)
    expect(JSON.parse((await send(text(1_001))).body).error).toBe('The body is larger than 1000 bytes')
  },
)

test('headers may have so many bytes together, and not more', async () => {
  const id = await world.integration()
  expect(await world.send(id, '{}', { 'x-much': 'x'.repeat(1_500) })).toMatchObject(ACCEPTED)
  expect((await world.send(id, '{}', { 'x-much': 'x'.repeat(2_100) })).status).toBe(431)
  const many = Object.fromEntries(Array.from({ length: 800 }, (_, index) => [`x-${index}`, 'x']))
  expect((await world.send(id, '{}', many)).status).toBe(431)
  expect((await world.ask(`/integration/${id}?${'x'.repeat(2_100)}`, { body: '{}' })).status).toBe(431)
})

test.each([
  ['depth', { depthMax: 5 }, '[[[[[1]]]]]', '[[[[[[1]]]]]]'],
  ['depth of XML', { depthMax: 3 }, '<a><b><c/></b></a>', '<a><b><c><d/></c></b></a>'],
  ['keys', { keysMax: 3 }, '{"a":1,"b":2,"c":3}', '{"a":1,"b":2,"c":3,"d":4}'],
  ['elements', { keysMax: 3 }, '[1,2,3]', '[1,2,3,4]'],
  ['form fields', { keysMax: 3 }, 'a=1&b=2&c=3', 'a=1&b=2&c=3&d=4'],
])('%s may reach the limit of the integration, and not pass it', async (_what, limits, within, beyond) => {
  const id = await world.integration({ limits })
  const type = within.startsWith('<')
    ? 'text/xml'
    : within.startsWith('a')
      ? 'application/x-www-form-urlencoded'
      : 'application/json'
  expect(await world.send(id, within, { 'content-type': type })).toMatchObject(ACCEPTED)
  const answer = await world.send(id, beyond, { 'content-type': type })
  expect(answer.status).toBe(400)
  expect(JSON.parse(answer.body).error).toMatch(/^The body is too complex: /)
})

test('a rate lets a burst through, refuses what is beyond it, and lets in again with time', async () => {
  const id = await world.integration({ limits: { requestsPerSecondMax: 4 } })
  const startedAt = performance.now()
  const answers = await Promise.all(Array.from({ length: 40 }, () => world.send(id)))
  const seconds = (performance.now() - startedAt) / 1_000
  const accepted = answers.filter((answer) => answer.status === 200).length
  expect(accepted).toBeGreaterThanOrEqual(4)
  expect(accepted).toBeLessThanOrEqual(4 + 4 * seconds)
  expect(answers.find((answer) => answer.status === 429)?.headers['retry-after']).toBe('10')
  const other = await world.integration({ limits: { requestsPerSecondMax: 4 } })
  expect(await world.send(other)).toMatchObject(ACCEPTED)
  await eventually(async () => expect(await world.send(id)).toMatchObject(ACCEPTED))
})

test('of a refused body the beginning is kept, and the size of the whole', async () => {
  const id = await world.integration({ limits: { bodyBytesMax: 100_000 } })
  const body = `{"a":"${'x'.repeat(50_000)}"`
  expect((await world.send(id, body)).status).toBe(400)
  const row = await eventually(async () => {
    const [stored] = await world.sql`SELECT body, body_bytes FROM requests WHERE integration_id = ${id}`
    expect(stored).toBeDefined()
    return stored
  })
  expect(row?.body_bytes).toBe(body.length)
  expect(row?.body).toEqual(Buffer.from(body.slice(0, 16_384)))
})

test('limits leave the gateway healthy', async () => expectHealthy(world, await world.integration()))
