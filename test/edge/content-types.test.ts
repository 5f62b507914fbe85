import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ACCEPTED, type EdgeWorld, expectHealthy, startEdge } from './world.ts'

let world: EdgeWorld

beforeAll(async () => {
  world = await startEdge()
})
afterAll(() => world.close())

const XML = '<?xml version="1.0" encoding="UTF-8"?><order><id>1</id><name>Zoë</name></order>'
const XML_VALUE = { order: { id: '1', name: 'Zoë' } }
const JSON_BODY = '{"id":1,"name":"Zoë"}'
const JSON_VALUE = { id: 1, name: 'Zoë' }

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')
const escaped = encodeURIComponent(JSON_BODY)

test.each<[type: string, body: string | Buffer, payload: unknown]>([
  ['application/json', JSON_BODY, JSON_VALUE],
  ['application/json; charset=utf-8', JSON_BODY, JSON_VALUE],
  ['APPLICATION/JSON', JSON_BODY, JSON_VALUE],
  ['application/vnd.shop+json', JSON_BODY, JSON_VALUE],
  ['application/cloudevents+json; charset="UTF-8"', JSON_BODY, JSON_VALUE],
  ['application/json', `\ufeff${JSON_BODY}`, JSON_VALUE],
  ['application/json; charset=utf-16', utf16(JSON_BODY), JSON_VALUE],
  ['application/json; charset=iso-8859-1', latin1(JSON_BODY), JSON_VALUE],
  ['application/xml', XML, XML_VALUE],
  ['text/xml', XML, XML_VALUE],
  ['application/soap+xml; charset=utf-8; action="x"', XML, XML_VALUE],
  ['application/xml', utf16(XML.replace('UTF-8', 'UTF-16')), XML_VALUE],
  ['application/xml', latin1(XML.replace('UTF-8', 'ISO-8859-1')), XML_VALUE],
  [
    'text/xml; charset=iso-8859-15',
    Buffer.concat([latin1('<a>'), Buffer.from([0xa4]), latin1('</a>')]),
    { a: '€' },
  ],
  [
    'text/xml; charset=windows-1252',
    Buffer.concat([latin1('<a>'), Buffer.from([0x80]), latin1('</a>')]),
    { a: '€' },
  ],
  ['application/x-www-form-urlencoded', 'id=1&name=Zo%C3%AB', { id: '1', name: 'Zoë' }],
  ['application/x-www-form-urlencoded', `payload=${escaped}`, JSON_VALUE],
  ['application/x-www-form-urlencoded', JSON_BODY, JSON_VALUE],
  ['application/x-www-form-urlencoded', XML, XML_VALUE],
  ['text/plain', 'hello\nthere', 'hello\nthere'],
  ['text/plain; charset=utf-8', JSON_BODY, JSON_BODY],
])('%s is read', async (type, body, payload) => {
  const id = await world.integration()
  expect(await world.send(id, body, { 'content-type': type })).toMatchObject(ACCEPTED)
  expect((await world.eventOf(id)).payload).toEqual(payload)
})

describe('without a content type', () => {
  const send = (id: string, body: string) => world.ask(`/integration/${id}`, { body })

  test.each([
    [` ${JSON_BODY}`, JSON_VALUE],
    ['[1]', [1]],
    [XML, XML_VALUE],
  ])('%j is recognised', async (body, payload) => {
    const id = await world.integration()
    expect(await send(id, body)).toMatchObject(ACCEPTED)
    expect((await world.eventOf(id)).payload).toEqual(payload)
  })

  test.each(['id=1', 'hello', '"text"', '12'])('%j is not guessed at', async (body) => {
    expect((await send(await world.integration(), body)).status).toBe(415)
  })
})

test.each(['application/json', 'text/plain', 'image/gif', 'no type at all', undefined])(
  'the address that ends in /xml reads XML under %s',
  async (type) => {
    const id = await world.integration()
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
    expect(await world.ask(`/integration/${id}/xml`, { body: XML, headers })).toMatchObject(ACCEPTED)
    expect((await world.eventOf(id)).payload).toEqual(XML_VALUE)
    expect((await world.ask(`/integration/${id}/xml`, { body: JSON_BODY, headers })).status).toBe(400)
  },
)

test('an element named in alwaysList is a list even when it occurs once', async () => {
  const id = await world.integration({ alwaysList: ['order.id'] })
  await world.send(id, XML, { 'content-type': 'text/xml' })
  expect((await world.eventOf(id)).payload).toEqual({ order: { id: ['1'], name: 'Zoë' } })
})

test.each([
  ['multipart/form-data; boundary=x', JSON_BODY, 415],
  ['application/octet-stream', JSON_BODY, 415],
  ['application/json; charset=koi8-r', JSON_BODY, 415],
  ['application/json; charset=utf-8; charset=latin1', JSON_BODY, 415],
  ['{}', JSON_BODY, 415],
  ['application/json', '', 400],
  ['application/json', ' \r\n', 400],
  ['application/json', '\ufeff', 400],
  ['text/plain', '', 400],
  ['application/xml', JSON_BODY, 400],
  ['application/json', XML, 400],
  ['application/json', latin1(JSON_BODY), 400],
  ['application/x-www-form-urlencoded', 'a=%zz', 400],
])('%s with %j is refused with %i', async (type, body, status) => {
  const answer = await world.send(await world.integration(), body, { 'content-type': type })
  expect(answer.status).toBe(status)
  expect(JSON.parse(answer.body)).toMatchObject({ result: false })
})

describe('a body under Content-Encoding', () => {
  test.each<[string, Buffer]>([
    ['gzip', gzipSync(JSON_BODY)],
    ['x-gzip', gzipSync(JSON_BODY)],
    ['GZIP', gzipSync(JSON_BODY)],
    ['deflate', deflateSync(JSON_BODY)],
    ['deflate', deflateRawSync(JSON_BODY)],
    ['br', brotliCompressSync(JSON_BODY)],
    ['identity', Buffer.from(JSON_BODY)],
    ['gzip, br', brotliCompressSync(gzipSync(JSON_BODY))],
  ])('%s is undone, and its bytes are kept as they came', async (encoding, body) => {
    const id = await world.integration()
    expect(await world.send(id, body, { 'content-encoding': encoding })).toMatchObject(ACCEPTED)
    expect((await world.eventOf(id)).payload).toEqual(JSON_VALUE)
    const [row] = await world.sql`SELECT body FROM requests WHERE integration_id = ${id}`
    expect(row?.body).toEqual(body)
  })

  test.each<[string, Buffer, number]>([
    ['gzip', Buffer.from(JSON_BODY), 400],
    ['gzip', gzipSync(JSON_BODY).subarray(0, -9), 400],
    ['gzip', Buffer.concat([gzipSync(JSON_BODY), Buffer.from('more')]), 400],
    ['br', gzipSync(JSON_BODY), 400],
    ['gzip', gzipSync(''), 400],
    ['zstd', Buffer.from(JSON_BODY), 415],
    ['compress', Buffer.from(JSON_BODY), 415],
    ['gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(JSON_BODY))), 415],
  ])('%s that is broken, cut, trailed or unknown is refused', async (encoding, body, status) => {
    const answer = await world.send(await world.integration(), body, { 'content-encoding': encoding })
    expect(answer.status).toBe(status)
  })

  test.each([
    ['gzip', gzipSync(Buffer.alloc(60_000_000))],
    ['br', brotliCompressSync(Buffer.alloc(60_000_000), { params: { 1: 4 } })],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(60_000_000)))],
  ])('%s that is a bomb is refused before it has burst', async (encoding, bomb) => {
    const before = process.memoryUsage().rss
    const answer = await world.send(await world.integration(), bomb, { 'content-encoding': encoding })
    expect(answer).toMatchObject({ status: 413 })
    expect(JSON.parse(answer.body).error).toBe('The body is larger than 10485760 bytes')
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000)
  })

  test('leaves the gateway healthy', async () => expectHealthy(world, await world.integration()))
})
