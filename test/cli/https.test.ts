/** The server by itself, over HTTP and over HTTPS: what it promises about connections must not depend on TLS. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { LINGER_BYTES_MAX } from '../../src/cli/hang-up.ts'
import { type HttpServer, type ServerOptions, startServer } from '../../src/cli/server.ts'
import type { TlsFiles } from '../../src/cli/tls-files.ts'
import { askForBody } from '../../src/edge/arrival.ts'
import type { BrokenRequest } from '../../src/edge/edge.ts'
import { type MadeCertificate, makeAuthority, makeCertificate } from '../world/certificates.ts'
import { eventually } from '../world/eventually.ts'
import { askHttps, makeServerCertificate, openTls } from '../world/https.ts'

const WAIT_MS = 400
const MIB = 1024 * 1024
const own = filesOf(makeServerCertificate())
const servers: HttpServer[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(servers.splice(0).map((server) => server.close(0)))
})

function filesOf({ cert, key }: MadeCertificate): TlsFiles {
  return { cert, key, clientCa: undefined }
}

type Scheme = 'http' | 'https'

interface TestServer extends HttpServer {
  broken: [fault: BrokenRequest, from: string | undefined][]
  failed: string[]
}

async function start(scheme: Scheme, more: Partial<ServerOptions> = {}): Promise<TestServer> {
  const broken: TestServer['broken'] = []
  const failed: string[] = []
  const tls = { current: () => own, onRenewed() {}, asksForCertificate: false }
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    headerBytesMax: 2_048,
    requestWaitMs: 60_000,
    ...(scheme === 'https' && { tls }),
    async fetch(request, { incoming, outgoing }) {
      askForBody(incoming, outgoing)
      return new Response(`echo ${await request.text()}`)
    },
    refuseBroken(socket, fault) {
      broken.push([fault, socket.remoteAddress])
      return { status: 400 + broken.length, headers: { 'x-fault': fault }, body: 'broken' }
    },
    onFailedHandshake: (_socket, { message }) => failed.push(message),
    ...more,
  })
  servers.push(server)
  return { ...server, broken, failed }
}

async function open(scheme: Scheme, { port }: HttpServer): Promise<Socket> {
  if (scheme === 'https') return kept(await openTls(port))
  return openRaw(port)
}

async function openRaw(port: number): Promise<Socket> {
  const socket = kept(connect(port, '127.0.0.1'))
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

function kept<S extends Socket>(socket: S): S {
  sockets.push(socket)
  return socket
}

/** Everything that comes back until the server closes. */
async function said(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'close')
  return Buffer.concat(chunks).toString()
}

const post = (body: string, more = '') =>
  `POST / HTTP/1.1\r\nhost: h\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`

describe.each(['http', 'https'] as const)('over %s', (scheme) => {
  test('a request is answered, and the connection stays for the next', async () => {
    const socket = await open(scheme, await start(scheme))
    for (const body of ['one', 'two']) {
      socket.write(post(body))
      const [answer] = await once(socket, 'data')
      expect(answer.toString()).toContain(`echo ${body}`)
    }
  })

  test('connections that only wait for a next request make room when it is crowded', async () => {
    const limits = {
      connectionsMax: 10,
      perAddressMax: 10,
      isProxy: () => false,
      onOpen() {},
      onClosed() {},
      onBeyond() {},
      onDropped() {},
    }
    const server = await start(scheme, { limits })
    const idle: Socket[] = []
    for (let n = 1; n < 0.9 * limits.connectionsMax; n++) {
      const socket = await open(scheme, server)
      socket.write(post('once'))
      await once(socket, 'data')
      idle.push(socket)
    }
    expect(idle.filter(({ closed }) => closed)).toEqual([])
    const gone = Promise.all(idle.map((socket) => once(socket, 'close')))
    const late = await open(scheme, server)
    await gone
    late.write(post('late'))
    const [answer] = await once(late, 'data')
    expect(answer.toString()).toContain('echo late')
  })

  test('who does not finish his headers is told that he is too slow', async () => {
    const server = await start(scheme, { requestWaitMs: WAIT_MS })
    const socket = await open(scheme, server)
    const answer = said(socket)
    socket.write('POST / HTTP/1.1\r\nhost: h\r\n')
    const drip = setInterval(() => socket.writable && socket.write('x-a: b\r\n'), 50)
    expect(await answer).toMatch(/^HTTP\/1\.1 401 [\s\S]*x-fault: too_slow[\s\S]*broken$/)
    clearInterval(drip)
    expect(server.broken).toEqual([['too_slow', '127.0.0.1']])
  })

  test('who says nothing is hung up on without a word', async () => {
    const server = await start(scheme, { requestWaitMs: WAIT_MS })
    expect(await said(await open(scheme, server))).toBe('')
    expect(server.broken).toEqual([])
  })

  test('headers that are too large are refused', async () => {
    const socket = await open(scheme, await start(scheme))
    socket.write(`GET /${'x'.repeat(3_000)} HTTP/1.1\r\nhost: h\r\n\r\n`)
    expect(await said(socket)).toContain('x-fault: headers_too_large')
  })

  test('what is no HTTP is refused', async () => {
    const server = await start(scheme)
    const socket = await open(scheme, server)
    socket.write('garbage\r\n\r\n')
    expect(await said(socket)).toContain('x-fault: not_http')
    expect(server.broken).toEqual([['not_http', '127.0.0.1']])
  })

  test('garbage behind a whole request does not take its answer away', async () => {
    const socket = await open(scheme, await start(scheme))
    socket.write(`${post('whole')}\0\0garbage\r\n\r\n`)
    expect(await said(socket)).toContain('echo whole')
  })

  test.each([
    ['cannot be read', '2\r\n{}\r\nzz\r\n'],
    ['is cut off', '7\r\n{"a"'],
  ])('a body that %s does not take away the answer of the request before it', async (_how, chunks) => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const server = await start(scheme, {
      async fetch(request) {
        const body = await request.text().catch(() => 'broken off')
        if (body === 'broken off') resolve(body)
        return new Response(`echo ${body === 'whole' ? await promise.then(() => body) : body}`)
      },
    })
    const socket = await open(scheme, server)
    const chunked = 'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n'
    const answers = said(socket)
    socket.end(`${post('whole')}${chunked}${chunks}`)
    expect(await answers).toMatch(/echo whole[\s\S]*echo broken off$/)
    expect(server.broken).toEqual([])
  })

  test('whether a body is welcome is for the one who answers to say', async () => {
    const waiting = 'expect: 100-continue\r\nconnection: close\r\n'
    const head = `POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n${waiting}\r\n`
    const welcome = await open(scheme, await start(scheme))
    const answer = said(welcome)
    welcome.write(head)
    await once(welcome, 'data')
    welcome.write('body')
    expect(await answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 [\s\S]*echo body$/)
    const fetch = () => new Response('no', { status: 403 })
    const unwelcome = await open(scheme, await start(scheme, { fetch }))
    unwelcome.write(head)
    const [refusal] = await once(unwelcome, 'data')
    expect(refusal.toString()).toMatch(/^HTTP\/1\.1 403 /)
  })

  test('who says that he has said all is answered, and hung up on', async () => {
    const server = await start(scheme, {
      async fetch(request, { incoming }) {
        await once(incoming.socket, 'end')
        return new Response(`echo ${await request.text()}`)
      },
    })
    const socket = await open(scheme, server)
    const answers = said(socket)
    socket.end(post('one') + post('two'))
    expect(await answers).toMatch(/echo one[\s\S]*echo two$/)
  })

  test('who says nothing more after his answer is hung up on', async () => {
    const socket = await open(scheme, await start(scheme))
    socket.write(post('one'))
    await once(socket, 'data')
    const rest = said(socket)
    socket.end()
    expect(await rest).toBe('')
  })

  test('who is gone before his answer leaves no connection behind', async () => {
    const { promise: gone, resolve: go } = Promise.withResolvers<void>()
    const { promise: closed, resolve: close } = Promise.withResolvers<void>()
    const server = await start(scheme, {
      async fetch(_request, { incoming }) {
        incoming.socket.on('close', close)
        go()
        await once(incoming.socket, 'end')
        return new Response('x'.repeat(100_000))
      },
    })
    const socket = await open(scheme, server)
    socket.write(post('one'))
    await gone
    socket.destroy()
    await closed
  })

  describe('who is refused before he has sent all', () => {
    const unread = (bytes: number) => `POST / HTTP/1.1\r\nhost: h\r\ncontent-length: ${bytes}\r\n\r\n`
    const UNREAD = unread(64 * MIB)

    async function refused(requestWaitMs: number, begin = UNREAD) {
      let asked = 0
      const { promise: closed, resolve: close } = Promise.withResolvers<void>()
      const server = await start(scheme, {
        requestWaitMs,
        fetch(_request, { incoming }) {
          asked += 1
          incoming.socket.on('close', close)
          return new Response('no', { status: 404 })
        },
      })
      const socket = await open(scheme, server)
      socket.allowHalfOpen = true
      const faults: Error[] = []
      socket.on('error', (error) => faults.push(error))
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk
      })
      const answer = new Promise<string>((resolve) => socket.on('close', () => resolve(text)))
      socket.write(begin + 'x'.repeat(MIB))
      await once(socket, 'end')
      return { socket, answer, faults, closed, asked: () => asked }
    }

    test.each([
      ['his body', UNREAD, /^HTTP\/1\.1 404 [\s\S]*\r\nconnection: close\r\n[\s\S]*\r\nno$/i],
      ['what is no HTTP', 'garbage\r\n\r\n', /^HTTP\/1\.1 401 [\s\S]*x-fault: not_http[\s\S]*broken$/],
    ])('may send on with %s, and reads why', async (_what, begin, expected) => {
      const { socket, answer, faults } = await refused(60_000, begin)
      socket.end('x'.repeat(3 * MIB))
      expect(await answer).toMatch(expected)
      expect(faults).toEqual([])
    })

    test('is not asked what he wants beside, as he could not be told', async () => {
      const { socket, closed, asked } = await refused(60_000, unread(2 * MIB))
      socket.end('x'.repeat(MIB) + post('one'))
      await closed
      expect(asked()).toBe(1)
    })

    test('may not send on for ever', async () => {
      const { closed } = await refused(WAIT_MS)
      await closed
    })

    test.each([
      ['his body', UNREAD],
      ['what is no HTTP', 'garbage\r\n\r\n'],
    ])('may not send on with %s without end', async (_what, begin) => {
      const { socket, answer } = await refused(60_000, begin)
      let sent = 0
      while (!socket.destroyed) {
        sent += MIB
        await new Promise((resolve) => socket.write('x'.repeat(MIB), resolve))
      }
      await answer
      expect(sent).toBeGreaterThan(LINGER_BYTES_MAX - MIB)
      expect(sent).toBeLessThan(LINGER_BYTES_MAX + 16 * MIB)
    })
  })

  test('what is under way is finished before the server is closed, and nobody new is let in', async () => {
    const { promise, resolve } = Promise.withResolvers<Response>()
    const { promise: began, resolve: begin } = Promise.withResolvers<void>()
    const server = await start(scheme, {
      fetch() {
        begin()
        return promise
      },
    })
    const [busy, idle] = [await open(scheme, server), await open(scheme, server)]
    busy.write(post('{}'))
    await began
    const idleEnd = said(idle)
    const answer = said(busy)
    const closed = server.close(10_000)
    await expect(openRaw(server.port)).rejects.toThrow('ECONNREFUSED')
    resolve(new Response('finished'))
    expect(await answer).toContain('finished')
    expect(await idleEnd).toBe('')
    await closed
  })

  test('who never said anything does not hold up the closing', async () => {
    const server = await start(scheme, { requestWaitMs: 60_000 })
    const silent = [await open(scheme, server), await openRaw(server.port)]
    const ends = silent.map(said)
    const closed = server.close(60_000)
    expect(await Promise.all(ends)).toEqual(['', ''])
    await closed
  })

  test('what does not end is ended after the deadline', async () => {
    const server = await start(scheme, {
      requestWaitMs: 60_000,
      fetch: () => new Promise<Response>(() => {}),
    })
    const [stuck, silent] = [await open(scheme, server), await openRaw(server.port)]
    stuck.write(post('{}'))
    const ends = [said(stuck), said(silent)]
    await server.close(200)
    expect(await Promise.all(ends)).toEqual(['', ''])
  })
})

describe('a handshake', () => {
  const hello = Buffer.from('16030100a5010000a10303', 'hex')

  test('that is not done does not hold up the closing', async () => {
    const server = await start('https', { requestWaitMs: 60_000 })
    const halfway = await openRaw(server.port)
    halfway.write(hello)
    // One that came later is done, so the server has seen the other too.
    expect(await askHttps(server.port, { method: 'POST' })).toEqual({ status: 200, body: 'echo {}' })
    const end = said(halfway)
    await server.close(60_000)
    expect(await end).toBe('')
  })

  test.each([
    ['not begun', ''],
    ['begun', hello],
  ])('that is cut off when it has %s is given up at once', async (_when, bytes) => {
    const { port, failed } = await start('https', { requestWaitMs: 60_000 })
    const socket = await openRaw(port)
    const end = said(socket)
    socket.end(bytes)
    expect(await end).toBe('')
    await eventually(() => expect(failed).toHaveLength(1))
  })

  test('that never ends is given up, and keeps nobody out', async () => {
    const { port, failed, broken } = await start('https', { requestWaitMs: 5 * WAIT_MS })
    const silent = await Promise.all(Array.from({ length: 100 }, () => openRaw(port)))
    const halfway = await openRaw(port)
    let sent = 0
    const drip = setInterval(() => halfway.writable && halfway.write(hello.subarray(sent, ++sent)), 20)
    const ends = [...silent, halfway].map(said)
    expect(await askHttps(port, { method: 'POST' })).toEqual({ status: 200, body: 'echo {}' })
    expect(new Set(await Promise.all(ends))).toEqual(new Set(['']))
    clearInterval(drip)
    expect(failed).toHaveLength(101)
    expect(new Set(failed)).toEqual(new Set(['TLS handshake timeout']))
    expect(broken).toEqual([])
  })

  test.each([
    ['with plain HTTP', post('{}')],
    ['with garbage', 'garbage\r\n\r\n'],
  ])('%s is none', async (_how, text) => {
    const { port, failed, broken } = await start('https')
    const socket = await openRaw(port)
    socket.write(text)
    await said(socket)
    expect(failed).toHaveLength(1)
    expect(broken).toEqual([])
  })

  test('of an old TLS is none', async () => {
    const { port } = await start('https')
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    await expect(openTls(port, old)).rejects.toThrow(/version/)
    expect((await openTls(port, { maxVersion: 'TLSv1.2' })).getProtocol()).toBe('TLSv1.2')
  })

  test('cannot be done again on the same connection, to show another certificate', async () => {
    const { port } = await start('https')
    const socket = kept(await openTls(port, { maxVersion: 'TLSv1.2' }))
    socket.renegotiate({}, () => {})
    const [error] = await once(socket, 'error')
    expect(error.message).toMatch(/no renegotiation/)
  })
})

describe('renewed files', () => {
  const authority = makeAuthority('Senders')
  const later = makeAuthority('Senders of later')

  async function startRenewable(first: TlsFiles) {
    let renew: (files: TlsFiles) => void = () => {}
    const tls = {
      current: () => first,
      onRenewed(take: typeof renew) {
        renew = take
      },
      asksForCertificate: true,
    }
    const fetch: ServerOptions['fetch'] = (_request, { incoming }) =>
      new Response(String('authorized' in incoming.socket && incoming.socket.authorized))
    const server = await start('https', { tls, fetch })
    return { port: server.port, renew: (files: TlsFiles) => renew(files) }
  }

  async function askOn(socket: Socket): Promise<string> {
    socket.write(post('{}'))
    const [answer] = await once(socket, 'data')
    return answer.toString()
  }

  test('are shown to new connections, and those that stand go on', async () => {
    const next = filesOf(makeServerCertificate('renewed'))
    const server = await startRenewable({ ...own, clientCa: authority.cert })
    const before = kept(await openTls(server.port))
    expect(before.getPeerX509Certificate()?.subject).toBe('CN=localhost')
    server.renew({ ...next, clientCa: authority.cert })
    const after = kept(await openTls(server.port))
    expect(after.getPeerX509Certificate()?.subject).toBe('CN=renewed')
    expect(await askOn(before)).toMatch(/^HTTP\/1\.1 200 /)
    expect(await askOn(after)).toMatch(/^HTTP\/1\.1 200 /)
    expect(after.getProtocol()).toBe('TLSv1.3')
  })

  test('end the trust in a CA that is no longer among them, also for a session from before', async () => {
    const sender = makeCertificate({ subject: [[['CN', 'shop']]], by: authority })
    const server = await startRenewable({ ...own, clientCa: authority.cert + later.cert })
    const { cert, key } = sender
    const before = kept(await openTls(server.port, { cert, key }))
    expect(await askOn(before)).toMatch(/true$/)
    const session = before.getSession()
    expect(session).toBeDefined()
    const resumed = kept(await openTls(server.port, { cert, key, ...(session && { session }) }))
    expect(resumed.isSessionReused()).toBe(true)
    server.renew({ ...own, clientCa: later.cert })
    const after = kept(await openTls(server.port, { cert, key, ...(session && { session }) }))
    expect(after.isSessionReused()).toBe(false)
    expect(await askOn(after)).toMatch(/false$/)
    await eventually(async () => expect(await askOn(before)).toMatch(/true$/))
  })
})
