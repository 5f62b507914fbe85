import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  createOutbound,
  type Outbound,
  type OutboundOptions,
  type OutboundRequest,
} from '../../src/outbound/outbound.ts'
import { eventually } from '../world/eventually.ts'
import { type Receiver, receiverCertificate, startReceiver } from '../world/receiver.ts'

const GIB = 1024 ** 3
const open: { close(): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

async function receiver(options?: { tls?: boolean; host?: string }): Promise<Receiver> {
  const started = await startReceiver(options)
  open.push(started)
  return started
}

function outbound(options: Partial<OutboundOptions>): Outbound {
  const created = createOutbound({ allowed: [], log: { warn() {} }, ...options })
  open.push(created)
  return created
}

function to(url: string, rest: Partial<OutboundRequest> = {}): OutboundRequest {
  const timeoutMs = { connect: 5_000, total: 10_000 }
  return { method: 'POST', url, headers: [], body: '{}', timeoutMs, responseBytesMax: 1_000, ...rest }
}

/** A receiver, and a way out that may reach exactly it. */
async function pair(options: Partial<OutboundOptions> = {}, receiverOptions?: { tls?: boolean }) {
  const there = await receiver(receiverOptions)
  const out = outbound({ allowed: [{ host: '127.0.0.1', port: there.port }], ...options })
  return { there, out }
}

describe('a request', () => {
  test('arrives as it was given and brings the answer back', async () => {
    const { there, out } = await pair()
    there.answerWith({ status: 201, headers: { 'X-Two': ['a', 'b'] }, body: 'made' })
    const answer = await out.request(
      to(`${there.url}/a%20b?x=1&x=%2F`, { method: 'PUT', headers: [['X-One', '1']], body: 'ä' }),
    )
    expect(answer).toMatchObject({ ok: true, status: 201, truncated: false, remoteAddress: '127.0.0.1' })
    if (!answer.ok) throw new Error(answer.message)
    expect(answer.body.toString()).toBe('made')
    expect(answer.headers.filter(([name]) => name === 'x-two')).toEqual([
      ['x-two', 'a'],
      ['x-two', 'b'],
    ])
    const { timing } = answer
    expect(timing).toMatchObject({ dnsMs: null, connectMs: expect.any(Number), tlsMs: null })
    expect(timing.totalMs).toBeGreaterThanOrEqual(timing.firstByteMs ?? Number.POSITIVE_INFINITY)
    const [received] = there.requests
    expect(received).toMatchObject({ method: 'PUT', url: '/a%20b?x=1&x=%2F', body: Buffer.from('ä') })
    expect(received?.headers).toMatchObject({
      host: `127.0.0.1:${there.port}`,
      'x-one': '1',
      'content-length': '2',
    })
  })

  test('reaches nothing on this machine that was not allowed', async () => {
    const there = await receiver()
    const warned: string[] = []
    const out = outbound({ log: { warn: (_fields, message) => warned.push(message) } })
    for (const host of [
      '127.0.0.1',
      'localhost',
      '2130706433',
      '0x7f.1',
      '[::ffff:127.0.0.1]',
      '0',
      '127.0.0.2',
    ]) {
      const answer = await out.request(to(`http://${host}:${there.port}/secret-path`))
      expect(answer).toMatchObject({ ok: false, reason: 'blocked_address' })
    }
    expect(there.connections()).toBe(0)
    expect(warned).toHaveLength(7)
    expect(warned.join()).not.toContain('secret-path')
  })

  test('takes no proxy from the environment', async () => {
    const proxy = await receiver()
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'])
      vi.stubEnv(name, proxy.url)
    const { there, out } = await pair()
    expect(await out.request(to(there.url))).toMatchObject({ ok: true, status: 200 })
    vi.unstubAllEnvs()
    expect(proxy.connections()).toBe(0)
  })

  test.each([
    'Host',
    'content-length',
    'Transfer-Encoding',
    'connection',
    'Proxy-Authorization',
    'upgrade',
    'TE',
  ])('may not set the header %s', async (name) => {
    const { there, out } = await pair()
    const answer = await out.request(to(there.url, { headers: [[name, 'x']] }))
    expect(answer).toMatchObject({ ok: false, reason: 'bad_request' })
    expect(there.connections()).toBe(0)
  })

  test.each([
    ['x', 'a\r\nhost: b'],
    ['x\r\ny', 'a'],
    ['x', '\u0000'],
    ['x y', 'a'],
  ])('cannot smuggle a header through %j', async (name, value) => {
    const { there, out } = await pair()
    const answer = await out.request(to(there.url, { headers: [[name, value]] }))
    expect(answer).toMatchObject({ ok: false, reason: 'bad_request' })
    expect(there.connections()).toBe(0)
  })
})

describe('names', () => {
  test('are looked up once a request, and what was checked is what is connected to', async () => {
    const there = await receiver()
    const answers = [['127.0.0.1'], ['169.254.169.254'], ['10.0.0.1']]
    const asked: string[] = []
    const resolver = async (host: string) => {
      asked.push(host)
      return answers.shift() ?? []
    }
    const out = outbound({ resolver, allowed: [{ host: 'rebind.test', port: there.port }] })
    // The system knows no such name, so a second look-up anywhere below would fail the first request.
    const url = `http://rebind.test:${there.port}/`
    expect(await out.request(to(url))).toMatchObject({ ok: true, remoteAddress: '127.0.0.1' })
    expect(asked).toEqual(['rebind.test'])
    expect(there.requests[0]?.headers.host).toBe(`rebind.test:${there.port}`)
    // The kept connection to the first address does not serve a name that now leads elsewhere.
    expect(await out.request(to(url))).toMatchObject({ ok: false, reason: 'blocked_address' })
    expect(there.requests).toHaveLength(1)
  })

  test('with several addresses are connected to at one of these, without another look-up', async () => {
    const there = await receiver()
    const resolver = async () => ['::1', '127.0.0.1']
    const out = outbound({ resolver, allowed: [{ host: 'twice.test', port: there.port }] })
    const answer = await out.request(to(`http://twice.test:${there.port}/`))
    expect(answer).toMatchObject({ ok: true, remoteAddress: '127.0.0.1' })
  })

  test('that do not exist, or whose look-up fails, say so', async () => {
    const out = outbound({
      resolver: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })),
    })
    const answer = await out.request(to('http://nowhere.example/'))
    expect(answer).toMatchObject({ ok: false, reason: 'dns', message: expect.stringContaining('ENOTFOUND') })
  })

  test('whose look-up hangs end with the time for connecting', async () => {
    const out = outbound({ resolver: () => new Promise(() => {}) })
    const answer = await out.request(to('http://slow.example/', { timeoutMs: { connect: 50, total: 5_000 } }))
    expect(answer).toMatchObject({ ok: false, reason: 'timeout', message: expect.stringContaining('50 ms') })
  })
})

describe('connections', () => {
  test('are kept for the next request to the same checked address, which then waits for no connect', async () => {
    const { there, out } = await pair()
    await out.request(to(there.url))
    const second = await out.request(to(there.url))
    expect(there.connections()).toBe(1)
    expect(second).toMatchObject({ ok: true, timing: { connectMs: null }, remoteAddress: '127.0.0.1' })
  })

  test('are not shared between addresses of one name', async () => {
    const there = await receiver({ host: '0.0.0.0' })
    const answers = [['127.0.0.1'], ['127.0.0.1', '127.0.0.1'], ['::1', '127.0.0.1']]
    const resolver = async () => answers.shift() ?? []
    const out = outbound({ resolver, allowed: [{ host: 'moving.test', port: there.port }] })
    for (let at = 0; at < 3; at += 1) await out.request(to(`http://moving.test:${there.port}/`))
    expect(there.requests).toHaveLength(3)
    expect(there.connections()).toBe(2)
  })

  test('that the other side closed meanwhile are not used again', async () => {
    const { there, out } = await pair()
    await out.request(to(there.url))
    there.closeKeptConnections()
    await eventually(() => expect(there.openConnections()).toBe(0))
    expect(await out.request(to(there.url))).toMatchObject({ ok: true })
    there.answerWith({ mode: 'closing', status: 204 })
    expect(await out.request(to(there.url))).toMatchObject({ ok: true, status: 204 })
    expect(await out.request(to(there.url))).toMatchObject({ ok: true, status: 204 })
  })

  test('are closed when unused for long enough', async () => {
    const { there, out } = await pair({ limits: { idleMs: 100 } })
    await out.request(to(there.url))
    await eventually(() => expect(there.openConnections()).toBe(0))
  })

  test('never exceed the limit; further requests wait for a place, also for another address', async () => {
    const one = await receiver()
    const two = await receiver()
    const allowed = [one, two].map(({ port }) => ({ host: '127.0.0.1', port }))
    const out = outbound({ allowed, limits: { socketsMax: 2 } })
    let most = 0
    const look = () => {
      most = Math.max(most, one.openConnections() + two.openConnections())
      return 200
    }
    one.answerWith(look)
    two.answerWith(look)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => out.request(to(at % 3 ? one.url : two.url))),
    )
    expect(answers.every((answer) => answer.ok)).toBe(true)
    expect(most).toBeLessThanOrEqual(2)
  })

  test('all in use: whoever waits too long ends with its time-out, and the place is not lost', async () => {
    const { there, out } = await pair({ limits: { socketsMax: 1 } })
    there.answerWith({ mode: 'hang' })
    const leaving = new AbortController()
    const first = out.request(to(there.url, { signal: leaving.signal }))
    await there.received(1)
    const second = await out.request(to(there.url, { timeoutMs: { connect: 1_000, total: 50 } }))
    expect(second).toMatchObject({ ok: false, reason: 'timeout' })
    leaving.abort()
    expect(await first).toMatchObject({ ok: false, reason: 'aborted' })
    there.answerWith(200)
    expect(await out.request(to(there.url))).toMatchObject({ ok: true })
    expect(there.requests).toHaveLength(2)
  })
})

describe('answers of all kinds', () => {
  test('a redirect is the answer and is not followed', async () => {
    const { there, out } = await pair()
    there.answerWith({ mode: 'redirect', location: `${there.url}/elsewhere`, status: 307 })
    const answer = await out.request(to(there.url))
    expect(answer).toMatchObject({ ok: true, status: 307 })
    expect(there.requests).toHaveLength(1)
  })

  test('a gibibyte is read up to the limit and the rest is not fetched', async () => {
    const { there, out } = await pair()
    there.answerWith({ mode: 'flood', bytes: GIB })
    const answer = await out.request(to(there.url, { responseBytesMax: 100_000 }))
    expect(answer).toMatchObject({ ok: true, status: 200, truncated: true })
    expect(answer.ok && answer.body.length).toBe(100_000)
    await eventually(() => expect(there.openConnections()).toBe(0))
    expect(there.bytesWritten()).toBeLessThan(64 * 1024 ** 2)
  })

  test('a body of exactly the limit is whole', async () => {
    const { there, out } = await pair()
    there.answerWith({ status: 200, body: 'x'.repeat(1_000) })
    expect(await out.request(to(there.url))).toMatchObject({ ok: true, truncated: false })
    there.answerWith({ status: 200, body: 'x'.repeat(1_001) })
    expect(await out.request(to(there.url))).toMatchObject({ ok: true, truncated: true })
  })

  test('a hang ends with the total time', async () => {
    const { there, out } = await pair()
    there.answerWith({ mode: 'hang' })
    const answer = await out.request(to(there.url, { timeoutMs: { connect: 1_000, total: 100 } }))
    expect(answer).toMatchObject({ ok: false, reason: 'timeout', message: expect.stringContaining('100 ms') })
    expect(answer.timing.totalMs).toBeLessThan(2_000)
    await eventually(() => expect(there.openConnections()).toBe(0))
  })

  test('a slow drip ends with the total time, and the status it began with is known', async () => {
    const { there, out } = await pair()
    there.answerWith({ mode: 'drip', everyMs: 10 })
    const answer = await out.request(to(there.url, { timeoutMs: { connect: 1_000, total: 1_000 } }))
    expect(answer).toMatchObject({ ok: false, reason: 'timeout', status: 200 })
    await eventually(() => expect(there.openConnections()).toBe(0))
  })

  test('a reset is a reset', async () => {
    const { there, out } = await pair()
    there.answerWith({ mode: 'reset' })
    expect(await out.request(to(there.url))).toMatchObject({ ok: false, reason: 'reset' })
  })

  test('an answer shorter than it said is no answer', async () => {
    const { there, out } = await pair()
    there.answerWith({ mode: 'cut' })
    expect(await out.request(to(there.url))).toMatchObject({ ok: false, reason: 'reset', status: 200 })
    const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n'
    there.answerWith({ mode: 'raw', bytes: chunked })
    expect(await out.request(to(there.url))).toMatchObject({ ok: false, reason: 'reset', status: 200 })
  })

  test('an answer longer than it said ends where it said, and the surplus reaches no later request', async () => {
    const { there, out } = await pair()
    there.answerWith({ mode: 'overlong' })
    const answer = await out.request(to(there.url))
    expect(answer.ok && answer.body.toString()).toBe('hello')
    there.answerWith({ status: 200, body: 'clean' })
    const next = await out.request(to(there.url))
    expect(next.ok && next.body.toString()).toBe('clean')
  })

  test.each([
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n', 'protocol'],
    [
      'an upgrade nobody asked for',
      'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
      'protocol',
    ],
    ['a broken chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n', 'protocol'],
    ['headers without end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 'too_large'],
    ['nothing', '', 'reset'],
  ])('%s', async (_what, bytes, reason) => {
    const { there, out } = await pair()
    there.answerWith({ mode: 'raw', bytes })
    expect(await out.request(to(there.url))).toMatchObject({ ok: false, reason })
  })

  test('an interim answer is passed over', async () => {
    const { there, out } = await pair()
    const bytes = 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 202 OK\r\ncontent-length: 0\r\n\r\n'
    there.answerWith({ mode: 'raw', bytes })
    expect(await out.request(to(there.url))).toMatchObject({ ok: true, status: 202 })
  })

  test('a refused connection', async () => {
    const there = await startReceiver()
    await there.close()
    const out = outbound({ allowed: [{ host: '127.0.0.1', port: there.port }] })
    expect(await out.request(to(there.url))).toMatchObject({ ok: false, reason: 'connect' })
  })
})

describe('HTTPS', () => {
  const tls = { tls: true }

  test('verifies the name although the address is pinned', async () => {
    const there = await receiver(tls)
    const names = ['receiver.test', 'impostor.test']
    const allowed = names.map((host) => ({ host, port: there.port }))
    const resolver = async () => ['127.0.0.1']
    const out = outbound({ allowed, resolver, certificates: [receiverCertificate] })
    const answer = await out.request(to(`https://receiver.test:${there.port}/`))
    expect(answer).toMatchObject({ ok: true, status: 200, timing: { tlsMs: expect.any(Number) } })
    const impostor = await out.request(to(`https://impostor.test:${there.port}/`))
    expect(impostor).toMatchObject({
      ok: false,
      reason: 'tls',
      message: expect.stringContaining('impostor.test'),
    })
    expect(there.requests).toHaveLength(1)
  })

  test('verifies an address too', async () => {
    const { there, out } = await pair({ certificates: [receiverCertificate] }, tls)
    expect(await out.request(to(there.url))).toMatchObject({ ok: true, status: 200 })
  })

  test('refuses a certificate nobody vouches for, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const { there, out } = await pair({}, tls)
    expect(await out.request(to(there.url))).toMatchObject({ ok: false, reason: 'tls' })
    vi.unstubAllEnvs()
    expect(there.requests).toHaveLength(0)
  })

  test('to a server that never shakes hands ends with the time for connecting', async () => {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.resume().once('close', () => sockets.delete(socket))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    open.push({ close: () => new Promise((resolve) => server.close(() => resolve())) })
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const out = outbound({ allowed: [{ host: '127.0.0.1', port }] })
    const answer = await out.request(
      to(`https://127.0.0.1:${port}/`, { timeoutMs: { connect: 100, total: 10_000 } }),
    )
    expect(answer).toMatchObject({ ok: false, reason: 'timeout' })
    expect(answer.timing.totalMs).toBeLessThan(5_000)
    await eventually(() => expect(sockets.size).toBe(0))
  })
})

describe('the end', () => {
  test('the caller may give up', async () => {
    const { there, out } = await pair()
    there.answerWith({ mode: 'hang' })
    const controller = new AbortController()
    const answer = out.request(to(there.url, { signal: controller.signal }))
    await there.received(1)
    controller.abort()
    expect(await answer).toMatchObject({ ok: false, reason: 'aborted' })
    expect(await out.request(to(there.url, { signal: controller.signal }))).toMatchObject({
      reason: 'aborted',
    })
    expect(there.requests).toHaveLength(1)
  })

  test('closing ends what is under way, what waits, and every connection', async () => {
    const { there, out } = await pair({ limits: { socketsMax: 1 } })
    await out.request(to(there.url))
    there.answerWith({ mode: 'hang' })
    const running = out.request(to(there.url))
    await there.received(2)
    const waiting = out.request(to(there.url))
    // By then it waits for the one place there is.
    await new Promise(setImmediate)
    await out.close()
    expect(await running).toMatchObject({ ok: false, reason: 'closed' })
    expect(await waiting).toMatchObject({ ok: false, reason: 'closed' })
    expect(await out.request(to(there.url))).toMatchObject({ ok: false, reason: 'closed' })
    await eventually(() => expect(there.openConnections()).toBe(0))
  })
})
