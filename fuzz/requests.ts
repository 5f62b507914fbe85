/** Whole requests as they lie on the wire, and what may be answered to them, however they were changed. */
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { mutate } from './mutate.ts'
import type { Random } from './random.ts'

/** Good requests of every kind, and shapes that servers have been tricked with, to one of these integrations. */
export function requestSeeds(ids: readonly string[]): Buffer[] {
  return ids.flatMap((id) => [
    post(id, JSON_TYPE, '{"id":820982911946154508,"a":[1.10,null]}'),
    post(id, 'content-type: application/xml\r\n', '<a b="1">x<c/>&amp;</a>'),
    post(`${id}/xml`, 'content-type: text/xml; charset=utf-16\r\n', Buffer.from('\ufeff<a/>', 'utf16le')),
    post(id, 'content-type: application/x-www-form-urlencoded\r\n', 'a[b]=1&c=%C3%A9&a[]=2'),
    post(id, `${JSON_TYPE}content-encoding: gzip\r\n`, gzipSync('{"z":1}')),
    post(id, `${JSON_TYPE}${SIGNATURE}`, '{"signed":1}'),
    post(`${id}?token=x&challenge=y`, `${JSON_TYPE}expect: 100-continue\r\n`, '{}'),
    head(
      id,
      `${JSON_TYPE}transfer-encoding: chunked\r\n`,
      '4;x=y\r\n{"a"\r\n3\r\n:1}\r\n0\r\nx-after: 1\r\n\r\n',
    ),
    head(id, 'content-length: 4\r\ntransfer-encoding: chunked\r\n', '2\r\n{}\r\n0\r\n\r\n'),
    head(id, 'content-length: 2\r\ncontent-length: 3\r\n', '{} '),
    head(id, 'x-a: b\r\n folded\r\ncontent-length: 2\r\n', '{}'),
    Buffer.from(`GET /integration/${id}?hub.challenge=1 HTTP/1.1\r\nhost: h\r\n\r\n`),
    Buffer.from(`HEAD /integration/${id} HTTP/1.0\r\n\r\n`),
    Buffer.from(`POST http://h:1/integration/${id} HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n`),
    Buffer.from(`OPTIONS * HTTP/1.1\r\nhost: [::1]:80\r\n\r\n`),
  ])
}

/** What such a request is changed with. */
export const REQUEST_WORDS = [
  '\r\n',
  '\n',
  '\r\n\r\n',
  ': ',
  ' : ',
  'content-length: 5\r\n',
  'content-length: -1\r\n',
  'content-length: 0x2\r\n',
  'transfer-encoding: chunked\r\n',
  'transfer-encoding: identity, chunked\r\n',
  'transfer-encoding : chunked\r\n',
  'connection: close\r\n',
  'connection: upgrade\r\nupgrade: h2c\r\n',
  'expect: 100-continue\r\n',
  'host: a b\r\n',
  'host: webhook-shop.example.com\r\n',
  'content-type: application/json; charset=utf-16\r\n',
  'content-encoding: br\r\n',
  'x-forwarded-for: 203.0.113.5\r\n',
  'cookie: __proto__=1\r\n',
  '__proto__: 1\r\n',
  'ffffffffffffffff\r\n',
  '0\r\n\r\n',
  ' HTTP/1.1',
  ' HTTP/1.0',
  ' HTTP/2.0',
  '/integration/',
  '/xml',
  '%00',
  '%2e%2e%2f',
  '?',
  '#',
  'GET ',
  'TRACE ',
  'CONNECT h:1 ',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '{"__proto__":{"a":1}}',
  '\u0016\u0003\u0001',
].map((word) => Buffer.from(word, 'latin1'))

export function changedRequest(seeds: readonly Buffer[], random: Random): Buffer {
  return mutate(random.pick(seeds), { words: REQUEST_WORDS, others: seeds, bytesMax: 8_000 }, random)
}

/** What is wrong with the answer to any request at all; undefined when nothing is. */
export function wrongIn(answer: string): string | undefined {
  if (answer !== '' && !answer.startsWith('HTTP/1.1 ')) return `no HTTP: ${answer.slice(0, 100)}`
  const statuses = [...answer.matchAll(/(?:^|\r\n|\}|[^\r\n])HTTP\/1\.1 ([0-9]{3}) /g)].map(([, status]) =>
    Number(status),
  )
  const failed = statuses.find((status) => status >= 500 && status !== TRY_LATER)
  return failed === undefined ? undefined : `answered ${failed}`
}

/** Of all 5xx the one that is promised: where there is no room, or no database. */
const TRY_LATER = 503

/** Everything that comes back until the server closes; nothing more is sent, so it has to. */
export function exchange(port: number, bytes: Buffer, withinMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect({ port, host: '127.0.0.1' })
    const timer = setTimeout(() => {
      socket.destroy()
      reject(
        new Error(`the connection is still open after ${withinMs} ms; it said ${JSON.stringify(answer)}`),
      )
    }, withinMs)
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    // A server that resets a connection has answered what it could.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(answer)
    })
    socket.end(bytes)
  })
}

const JSON_TYPE = 'content-type: application/json\r\n'
const SIGNATURE =
  'x-shopify-topic: orders/create\r\nx-shopify-webhook-id: 1\r\nx-shopify-hmac-sha256: 5lcyp0dcHmOtj7jFTxuv8z0TyS9TM+pm7poUr/x2AF4=\r\n'

function post(path: string, headers: string, body: string | Buffer): Buffer {
  return head(path, `${headers}content-length: ${Buffer.byteLength(body)}\r\n`, body)
}

function head(path: string, headers: string, body: string | Buffer): Buffer {
  const start = `POST /integration/${path} HTTP/1.1\r\nhost: h\r\n${headers}\r\n`
  return Buffer.concat([Buffer.from(start, 'latin1'), Buffer.from(body as string)])
}
