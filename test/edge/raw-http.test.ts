import { once } from 'node:events'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readBody } from '../../src/edge/read-body.ts'
import { eventually } from '../world/eventually.ts'
import { ACCEPTED, answersOn, type EdgeWorld, expectHealthy, openSocket, startEdge } from './world.ts'

const WAIT_MS = 600
let world: EdgeWorld
let id: string

beforeAll(async () => {
  world = await startEdge({ BODY_WAIT_MS: String(WAIT_MS) })
  id = await world.integration()
})
afterAll(() => world.close())

const json = (body: string, more = '') =>
  `content-type: application/json\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`
const post = (body = '{}', more = '') => `POST /integration/${id} HTTP/1.1\r\nhost: h\r\n${json(body, more)}`
const CLOSE = 'connection: close\r\n'

function statuses(answer: string): number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]))
}

async function storedBodies(called: string): Promise<string[]> {
  const rows = await world.sql`
    SELECT body FROM requests WHERE integration_id = ${called} AND outcome = 'accepted' ORDER BY id`
  return rows.map((row) => row.body.toString())
}

describe('what old and simple senders do works:', () => {
  test('HTTP/1.0 with Host, as WordPress sends it', async () => {
    const answer = await world.raw(`POST /integration/${id} HTTP/1.0\r\nhost: h\r\n${json('{"wc":1}')}`)
    expect(answer).toMatch(
      /^HTTP\/1\.1 200 [\s\S]*content-length: 26\r\n[\s\S]*\{"result":true,"error":""\}$/i,
    )
    expect(answer).not.toMatch(/transfer-encoding/i)
  })

  test('HTTP/1.0 without Host', async () => {
    expect(await world.raw(`POST /integration/${id} HTTP/1.0\r\n${json('{}')}`)).toContain(ACCEPTED.body)
  })

  test('HTTP/1.0 with keep-alive', async () => {
    const one = `POST /integration/${id} HTTP/1.0\r\nhost: h\r\n${json('{}', 'connection: keep-alive\r\n')}`
    const answer = await world.raw(one + one, { until: /(\{"result":true[\s\S]*){2}/ })
    expect(statuses(answer)).toEqual([200, 200])
  })

  test('a chunked body, with extensions and trailers', async () => {
    const called = await world.integration()
    const answer = await world.raw(
      `POST /integration/${called} HTTP/1.1\r\nhost: h\r\n${CLOSE}content-type: application/json\r\n` +
        'transfer-encoding: chunked\r\n\r\n4;x=y\r\n{"a"\r\n3\r\n:1}\r\n0\r\nx-after: 1\r\n\r\n',
    )
    expect(statuses(answer)).toEqual([200])
    expect(await storedBodies(called)).toEqual(['{"a":1}'])
  })

  test('a target in its absolute form', async () => {
    const answer = await world.raw(
      `POST http://any.test:81/integration/${id}?a=b HTTP/1.1\r\nhost: h\r\n${json('{}', CLOSE)}`,
    )
    expect(statuses(answer)).toEqual([200])
  })

  test('a body in many small pieces', async () => {
    const socket = await openSocket(world.port)
    const answers = answersOn(socket, { until: /\}$/ })
    for (const char of post('{"a":1}')) {
      socket.write(char)
      await new Promise(setImmediate)
    }
    expect(statuses(await answers)).toEqual([200])
  })

  test('an expectation that nobody knows', async () => {
    expect(await world.raw(post('{}', `expect: miracles\r\n${CLOSE}`))).toContain(ACCEPTED.body)
  })

  test('a half-closed connection, as `nc -N` leaves it', async () => {
    const socket = await openSocket(world.port)
    const answers = answersOn(socket)
    socket.end(post())
    expect(await answers).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{"result":true,"error":""\}$/)
  })

  test('an offer to upgrade that nobody takes', async () => {
    for (const protocol of ['h2c', 'websocket'])
      expect(
        statuses(
          await world.raw(post('{}', `connection: upgrade, close\r\nupgrade: ${protocol}\r\n`), {
            until: /\}$/,
          }),
        ),
      ).toEqual([200])
  })
})

describe('on one connection', () => {
  test('requests that are sent at once are answered in their order', async () => {
    const called = await world.integration()
    const bodies = Array.from({ length: 20 }, (_, n) => `{"n":${n}}`)
    const all = bodies.map((body) => post(body).replace(id, called)).join('')
    const answer = await world.raw(all + post('{', CLOSE))
    expect(statuses(answer)).toEqual([...Array(20).fill(200), 400])
    expect((await storedBodies(called)).toSorted()).toEqual(bodies.toSorted())
  })

  test('a refusal does not harm the requests before and after it', async () => {
    const answer = await world.raw(
      post() +
        post('{}').replace(id, 'nobody-knows') +
        post('{') +
        post().replace('POST', 'PUT') +
        post('{}', CLOSE),
    )
    expect(statuses(answer)).toEqual([200, 404, 400, 405, 200])
  })

  test('garbage after a whole request does not take its answer away', async () => {
    for (let round = 0; round < 5; round++) {
      const answer = await world.raw(`${post()}\0\0garbage\r\n\r\n`)
      expect(statuses(answer)[0]).toBe(200)
      expect(answer).toContain(ACCEPTED.body)
    }
  })

  test('garbage after a whole request is answered after it, and accounted for', async () => {
    const before = await world.counted('not_http')
    expect(statuses(await world.raw(`${post()}garbage\r\n\r\n`))).toEqual([200, 400])
    await eventually(async () => expect(await world.counted('not_http')).toBe(before + 1))
  })

  test('the connection stays open between webhooks', async () => {
    const socket = await openSocket(world.port)
    for (let sent = 0; sent < 3; sent++) {
      socket.write(post())
      const [answer] = await once(socket, 'data')
      expect(answer.toString()).toContain(ACCEPTED.body)
    }
    socket.destroy()
  })
})

describe('a request that breaks off', () => {
  const chunked = (called: string, chunks: string) =>
    `POST /integration/${called} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`
  const cut = (called: string) =>
    `POST /integration/${called} HTTP/1.1\r\nhost: h\r\ncontent-length: 7\r\n\r\n{"a":1`
  const SHAPES: [shape: string, bytes: (called: string) => string, end?: 'half-closed'][] = [
    ['with a chunk without a size', (called) => chunked(called, 'zz\r\n')],
    ['with a bad chunk after a good one', (called) => chunked(called, '2\r\n{}\r\nzz\r\n')],
    [
      'with trailers that are too large',
      (called) => chunked(called, `0\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`),
    ],
    ['with a cut body', cut, 'half-closed'],
    ['with a cut chunk', (called) => chunked(called, '7\r\n{"a":1'), 'half-closed'],
  ]
  const BROKEN_OFF = '{"result":false,"error":"The request broke off before its end"}'

  async function say(bytes: string, end?: 'half-closed'): Promise<string> {
    const socket = await openSocket(world.port)
    const answers = answersOn(socket)
    if (end) socket.end(bytes)
    else socket.write(bytes)
    return answers
  }

  test.each(SHAPES)('%s is told so once, and counted once', async (_shape, bytes, end) => {
    const called = await world.integration()
    const [brokenOff, notHttp] = [await world.counted('broken_off'), await world.counted('not_http')]
    const answer = await say(bytes(called), end)
    expect(statuses(answer)).toEqual([400])
    expect(answer).toContain(BROKEN_OFF)
    expect(answer).toMatch(/\r\nretry-after: 10\r\n/i)
    expect(answer).toMatch(/\r\nconnection: close\r\n/i)
    await eventually(async () => expect(await world.counted('broken_off')).toBe(brokenOff + 1))
    expect(await world.counted('not_http')).toBe(notHttp)
    const rows = await eventually(async () => {
      const found = await world.requests(`integrationId=${called}`)
      expect(found).not.toEqual([])
      return found
    })
    expect(rows).toMatchObject([{ outcome: 'broken_off', status: 400, detail: /^the body broke off: / }])
  })

  test.each(SHAPES)('%s does not take away the answer of the one before it', async (_shape, bytes, end) => {
    const called = await world.integration()
    const answer = await say(post('{"whole":1}').replace(id, called) + bytes(called), end)
    expect(statuses(answer)).toEqual([200, 400])
    expect(answer.indexOf(ACCEPTED.body)).toBeLessThan(answer.indexOf(BROKEN_OFF))
    expect(await storedBodies(called)).toEqual(['{"whole":1}'])
  })

  test('in its headers is told so too', async () => {
    const answer = await say(`${post()}POST /integration/${id} HTTP/1.1\r\nhost`, 'half-closed')
    expect(statuses(answer)).toEqual([200, 400])
    expect(answer).toContain(BROKEN_OFF)
  })

  test('after its answer gets no second one', async () => {
    const socket = await openSocket(world.port)
    const answers = answersOn(socket)
    socket.write(chunked('nobody-knows', '2\r\n{}\r\n'))
    await once(socket, 'data')
    socket.write('zz\r\n')
    expect(statuses(await answers)).toEqual([404])
  })

  test('before anybody read it is found so by who does', async () => {
    const incoming = new IncomingMessage(new Socket())
    incoming.destroy()
    await once(incoming, 'close')
    const limits = { bytesMax: 10, waitMs: 60_000 }
    const reading = readBody({ incoming, askForBody() {} }, limits, { take: () => true })
    await expect(reading).rejects.toMatchObject({ reason: 'broken_off' })
  })
})

describe('a slow sender is sent away with 408', () => {
  test('in the middle of its headers', async () => {
    const socket = await openSocket(world.port)
    const started = performance.now()
    const answers = answersOn(socket)
    socket.write(`POST /integration/${id} HTTP/1.1\r\nhost: h\r\n`)
    const drip = setInterval(() => socket.writable && socket.write('x-a: b\r\n'), 50)
    const answer = await answers
    clearInterval(drip)
    expect(statuses(answer)).toEqual([408])
    expect(answer).toContain('{"result":false,"error":"The request did not arrive in time"}')
    expect(answer).toMatch(/\r\nretry-after: 10\r\n/i)
    expect(performance.now() - started).toBeLessThan(WAIT_MS + 2_500)
  })

  test('in the middle of its body, however often a byte comes', async () => {
    const socket = await openSocket(world.port)
    const started = performance.now()
    const answers = answersOn(socket)
    socket.write(`POST /integration/${id} HTTP/1.1\r\nhost: h\r\ncontent-length: 100000\r\n\r\n`)
    const drip = setInterval(() => socket.writable && socket.write('{'), 50)
    expect(statuses(await answers)).toEqual([408])
    clearInterval(drip)
    expect(performance.now() - started).toBeLessThan(WAIT_MS + 2_500)
    await eventually(async () => expect(await world.counted('too_slow')).toBeGreaterThan(0))
  })

  test('200 of them keep nobody out', async () => {
    const sockets = await Promise.all(Array.from({ length: 200 }, () => openSocket(world.port)))
    for (const socket of sockets)
      socket.write(`POST /integration/${id} HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n{`)
    const started = performance.now()
    expect(await world.send(id)).toMatchObject(ACCEPTED)
    expect(performance.now() - started).toBeLessThan(1_000)
    await Promise.all(sockets.map((socket) => once(socket.resume(), 'close')))
  })

  test('and one that connects and says nothing is hung up on', async () => {
    const before = await world.counted('too_slow')
    const answer = await world.raw('')
    expect(answer).toBe('')
    expect(await world.counted('too_slow')).toBe(before)
  })
})

describe('what is no proper HTTP is refused:', () => {
  test.each([
    ['a length and chunks both', post('{}', 'transfer-encoding: chunked\r\n')],
    ['two lengths that differ', post('{}', 'content-length: 3\r\n')],
    ['a negative length', `POST /integration/${id} HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n`],
    ['a length that is no number', `POST /integration/x HTTP/1.1\r\nhost: h\r\ncontent-length: 1e3\r\n\r\n`],
    [
      'chunked that is not the last coding',
      `POST /integration/x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
    ],
    ['garbage', 'hello there\r\n\r\n'],
    ['a TLS greeting', Buffer.from('16030100a5010000a10303', 'hex')],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a header line without a colon', 'POST /integration/x HTTP/1.1\r\nhost: h\r\nnonsense\r\n\r\n'],
    ['a folded header', 'POST /integration/x HTTP/1.1\r\nhost: h\r\nx-a: b\r\n c\r\n\r\n'],
    ['a blank before the colon', 'POST /integration/x HTTP/1.1\r\nhost : h\r\n\r\n'],
    ['a NUL in a header', 'POST /integration/x HTTP/1.1\r\nhost: h\r\nx-a: b\0c\r\n\r\n'],
    ['a NUL in the target', 'POST /integration/x\0y HTTP/1.1\r\nhost: h\r\n\r\n'],
    ['a bare line feed in a header', 'POST /integration/x HTTP/1.1\r\nhost: h\r\nx-a: b\rc\r\n\r\n'],
    ['no Host under HTTP/1.1', 'POST /integration/x HTTP/1.1\r\n\r\n'],
    ['a Host that is none', 'POST /integration/x HTTP/1.1\r\nhost: a b/c@d\r\nconnection: close\r\n\r\n'],
    ['a target that is none', 'POST nonsense HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n'],
    ['an unknown method', 'BREW /integration/x HTTP/1.1\r\nhost: h\r\n\r\n'],
  ])('%s', async (_what, bytes) => {
    const answer = await world.raw(bytes, { until: /\}$/ })
    expect(statuses(answer)).toEqual([400])
    expect(answer).toMatch(/\r\n\r\n\{"result":false,"error":"This is not an HTTP request"\}$/)
  })

  test('a URL that is larger than all headers may be', async () => {
    const answer = await world.raw(`POST /integration/${'x'.repeat(20_000)} HTTP/1.1\r\nhost: h\r\n\r\n`, {
      until: /\}$/,
    })
    expect(statuses(answer)).toEqual([431])
  })

  test('a tunnel', async () => {
    const before = await world.counted('method_not_allowed')
    const answer = await world.raw(`${post()}CONNECT h:80 HTTP/1.1\r\nhost: h\r\n\r\nmore`)
    expect(statuses(answer)).toEqual([200, 405])
    expect(answer).toMatch(
      /\r\nallow: POST\r\n[\s\S]*\r\n\r\n\{"result":false,"error":"Webhooks are sent with POST"\}$/,
    )
    await eventually(async () => expect(await world.counted('method_not_allowed')).toBe(before + 1))
  })

  test.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'])(
    '%s',
    async (method) => {
      const answer = await world.raw(`${method} /integration/${id} HTTP/1.1\r\nhost: h\r\n${CLOSE}\r\n`)
      expect(answer).toMatch(/^HTTP\/1\.1 405 [\s\S]*\r\nallow: POST\r\n/i)
    },
  )
})

test('a second request cannot be hidden in the body of a refused one', async () => {
  const called = await world.integration()
  const hidden = post('{"hidden":1}').replace(id, called)
  const carrier = `POST /integration/nobody-knows HTTP/1.1\r\nhost: h\r\ncontent-length: ${hidden.length}\r\n\r\n${hidden}`
  const answer = await world.raw(carrier + post('{}', CLOSE))
  expect(statuses(answer)).toEqual([404, 200])
  expect(await storedBodies(called)).toEqual([])
})

test('nothing of all this left a defect behind', async () => {
  await expectHealthy(world, id)
  expect(await world.counted('defect')).toBe(0)
})
