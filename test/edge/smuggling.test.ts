/**
 * Requests of which a proxy in front could see other ends than we do, each with a second one behind that ambiguity. Not
 * one of them may bring the second in; what is refused closes its connection.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EdgeWorld, expectHealthy, startEdge } from './world.ts'

let world: EdgeWorld
let id: string
/** Only what is hidden is sent there. */
let hiddenId: string

beforeAll(async () => {
  world = await startEdge({ BODY_WAIT_MS: '2000' })
  id = await world.integration()
  hiddenId = await world.integration()
})
afterAll(() => world.close())

const CHUNKED = 'transfer-encoding: chunked'
const head = (...lines: string[]) =>
  ['POST /integration/ID HTTP/1.1', 'host: h', ...lines, '', ''].join('\r\n')
const hidden = () =>
  `POST /integration/${hiddenId} HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`

test.each<[shape: string, before: string]>([
  ['length and chunks', `${head('content-length: 5', CHUNKED)}0\r\n\r\n`],
  ['chunks and length', `${head(CHUNKED, 'content-length: 5')}0\r\n\r\n`],
  ['two lengths', `${head('content-length: 0', 'content-length: 300')}`],
  ['two lengths, the larger first', `${head('content-length: 300', 'content-length: 0')}`],
  ['the same length twice', `${head('content-length: 2', 'content-length: 2')}{}`],
  ['a list of lengths', `${head('content-length: 2, 2')}{}`],
  ['a length with a sign', `${head('content-length: +2')}{}`],
  ['a length in hexadecimal', `${head('content-length: 0x2')}{}`],
  ['a length with a blank in it', `${head('content-length: 2 0')}{}`],
  ['an empty length', head('content-length:')],
  ['a length beyond all numbers', `${head('content-length: 18446744073709551618')}{}`],
  ['a blank before the colon of the length', `${head('content-length : 2')}{}`],
  ['a tab before the colon of the coding', `${head('transfer-encoding\t: chunked')}0\r\n\r\n`],
  ['a folded coding', `${head('transfer-encoding:\r\n chunked')}0\r\n\r\n`],
  ['a folded header before the length', `${head('x-a: b\r\n content-length: 300', 'content-length: 2')}{}`],
  ['a coding that only looks like chunked', `${head('transfer-encoding: xchunked')}0\r\n\r\n`],
  ['a coding behind a vertical tab', `${head('transfer-encoding: \x0bchunked')}0\r\n\r\n`],
  ['a coding in quotes', `${head('transfer-encoding: "chunked"')}0\r\n\r\n`],
  ['chunked that is not the last coding', `${head('transfer-encoding: chunked, identity')}0\r\n\r\n`],
  ['chunked and then another line of coding', `${head(CHUNKED, 'transfer-encoding: identity')}0\r\n\r\n`],
  ['a chunk size with a sign', `${head(CHUNKED)}+2\r\n{}\r\n0\r\n\r\n`],
  ['a chunk size with 0x', `${head(CHUNKED)}0x2\r\n{}\r\n0\r\n\r\n`],
  ['a chunk size with an underscore', `${head(CHUNKED)}0_2\r\n{}\r\n0\r\n\r\n`],
  ['a chunk size beyond all numbers', `${head(CHUNKED)}10000000000000002\r\n{}\r\n0\r\n\r\n`],
  ['a negative chunk size', `${head(CHUNKED)}-2\r\n{}\r\n0\r\n\r\n`],
  ['a blank before a chunk size', `${head(CHUNKED)} 2\r\n{}\r\n0\r\n\r\n`],
  ['a chunk that is longer than its size', `${head(CHUNKED)}2\r\n{}xx\r\n0\r\n\r\n`],
  ['a chunk that ends in a line feed only', `${head(CHUNKED)}2\n{}\n0\n\n`],
  ['a line feed in a chunk extension', `${head(CHUNKED)}2;a\nb\r\n{}\r\n0\r\n\r\n`],
  ['a carriage return in a chunk extension', `${head(CHUNKED)}2;a\rb\r\n{}\r\n0\r\n\r\n`],
  ['lines that end in line feeds only', `${head('content-length: 2').replaceAll('\r\n', '\n')}{}`],
  [
    'a header line that ends in a carriage return only',
    `${head('x-a: b\rcontent-length: 300', 'content-length: 2')}{}`,
  ],
  ['a NUL in a header', `${head('x-a: \0', 'content-length: 2')}{}`],
  ['a header without a name', `${head(': chunked', 'content-length: 2')}{}`],
  [
    'a line before the first header',
    `POST /integration/ID HTTP/1.1\r\n content-length: 300\r\nhost: h\r\n\r\n`,
  ],
  ['a version that is none', head(CHUNKED).replace('HTTP/1.1', 'HTTP/1.1.1')],
])('%s: nothing behind it comes in', async (_shape, before) => {
  const answer = await world.raw(before.replace('ID', id) + hidden())
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
  expect(statuses).toEqual([400])
})

test('of HTTP/1.0 the chunks are no chunks, and what follows is not read as a request', async () => {
  const answer = await world.raw(head(CHUNKED).replace('HTTP/1.1', 'HTTP/1.0').replace('ID', id) + hidden())
  expect(answer.match(/HTTP\/1\.1 \d{3} /g)).toHaveLength(1)
})

test('none of what was hidden has come in, and the gateway is well', async () => {
  await expectHealthy(world, id)
  expect(await world.requests(`integrationId=${hiddenId}`)).toEqual([])
})
