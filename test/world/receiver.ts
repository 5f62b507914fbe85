import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** What the receiver does with a request. A bare number is an empty answer with that status. */
export type Answering =
  | number
  | { status: number; headers?: Record<string, string | string[]>; body?: string | Buffer }
  /** Never answers. */
  | { mode: 'hang' }
  /** Sends the status, then one byte every so often, without end. */
  | { mode: 'drip'; everyMs: number; status?: number }
  /** Resets the connection (TCP RST) before any answer. */
  | { mode: 'reset' }
  /** Sends a status and half a body under the length of the whole, then closes. */
  | { mode: 'cut'; status?: number }
  /** Sends more bytes than its content-length says. */
  | { mode: 'overlong'; status?: number }
  /** Streams so many bytes. */
  | { mode: 'flood'; bytes: number; status?: number }
  | { mode: 'redirect'; location: string; status?: number }
  /** Answers and closes the connection instead of keeping it. */
  | { mode: 'closing'; status: number }
  /** Writes exactly this on the socket and closes it. */
  | { mode: 'raw'; bytes: string }

export interface Received {
  method: string
  /** Path and query as they came. */
  url: string
  headers: Record<string, string | string[] | undefined>
  /** Names as they were written, with repetitions. */
  rawHeaders: string[]
  body: Buffer
}

export interface Receiver {
  /** `http://127.0.0.1:port` */
  url: string
  port: number
  requests: Received[]
  /** Connections accepted so far. */
  connections(): number
  /** Connections open now. */
  openConnections(): number
  /** Bytes written to all connections so far. */
  bytesWritten(): number
  /** What all later requests get; a function may look at the request (its body included). */
  answerWith(answer: Answering | ((received: Received) => Answering | Promise<Answering>)): void
  /** Closes connections that are kept open without a request. */
  closeKeptConnections(): void
  /** Resolves when so many requests have come in all; rejects after the time. */
  received(count: number, timeoutMs?: number): Promise<Received[]>
  close(): Promise<void>
}

/** A certificate for localhost, receiver.test, 127.0.0.1 and ::1, valid until 2120; made for these tests only. */
export const receiverCertificate = readFileSync(new URL('certs/receiver-cert.pem', import.meta.url), 'utf8')

/** A real HTTP (or HTTPS) server on a free port of 127.0.0.1 that answers as it is told. */
export async function startReceiver(options: { tls?: boolean; host?: string } = {}): Promise<Receiver> {
  const requests: Received[] = []
  const sockets = new Set<Socket>()
  const arrivals = new EventTarget()
  let accepted = 0
  let written = 0
  let answer: (received: Received) => Answering | Promise<Answering> = () => 200

  const server = serverFor(options.tls === true, async (request, response) => {
    const received = await receive(request)
    requests.push(received)
    arrivals.dispatchEvent(new Event('request'))
    await respond(response, await answer(received))
  })
  server.on('connection', (socket: Socket) => {
    accepted += 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => {
      written += socket.bytesWritten
      sockets.delete(socket)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, options.host ?? '127.0.0.1', resolve))
  const { port, address, family } = server.address() as AddressInfo

  return {
    url: `${options.tls ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    port,
    requests,
    connections: () => accepted,
    openConnections: () => sockets.size,
    bytesWritten: () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, written),
    answerWith: (next) => {
      answer = typeof next === 'function' ? next : () => next
    },
    closeKeptConnections: () => server.closeIdleConnections(),
    received: (count, timeoutMs = 10_000) => arrived(requests, arrivals, count, timeoutMs),
    close: async () => {
      server.closeAllConnections()
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function serverFor(
  tls: boolean,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (!tls) return createServer(listener)
  const key = readFileSync(new URL('certs/receiver-key.pem', import.meta.url), 'utf8')
  return createTlsServer({ key, cert: receiverCertificate }, listener)
}

async function receive(request: IncomingMessage): Promise<Received> {
  const { method = '', url = '', headers, rawHeaders } = request
  const chunks: Buffer[] = []
  // A sender that gives up in the middle of its body is recorded with what came.
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer)
  } catch {}
  return { method, url, headers, rawHeaders, body: Buffer.concat(chunks) }
}

async function respond(response: ServerResponse, answering: Answering): Promise<void> {
  if (typeof answering === 'number') return void response.writeHead(answering).end()
  if (!('mode' in answering)) {
    return void response.writeHead(answering.status, answering.headers).end(answering.body)
  }
  switch (answering.mode) {
    case 'hang':
      return
    case 'drip':
      return drip(response, answering.status ?? 200, answering.everyMs)
    case 'reset':
      return void response.socket?.resetAndDestroy()
    case 'cut':
      return raw(response, `${statusLine(answering.status)}content-length: 1000\r\n\r\n${'x'.repeat(500)}`)
    case 'overlong':
      return void response.socket?.write(`${statusLine(answering.status)}content-length: 5\r\n\r\nhellomore`)
    case 'flood':
      return flood(response, answering.status ?? 200, answering.bytes)
    case 'redirect':
      return void response.writeHead(answering.status ?? 302, { location: answering.location }).end()
    case 'closing':
      return void response.writeHead(answering.status, { connection: 'close' }).end()
    case 'raw':
      return raw(response, answering.bytes)
  }
}

function statusLine(status = 200): string {
  return `HTTP/1.1 ${status} Status\r\n`
}

function raw(response: ServerResponse, bytes: string): void {
  response.socket?.end(bytes, 'latin1')
}

async function drip(response: ServerResponse, status: number, everyMs: number): Promise<void> {
  response.writeHead(status)
  while (!response.destroyed) {
    response.write('.')
    await delay(everyMs, undefined, { ref: false })
  }
}

async function flood(response: ServerResponse, status: number, bytes: number): Promise<void> {
  response.writeHead(status, { 'content-type': 'application/octet-stream' })
  const chunk = Buffer.alloc(65_536, 'x')
  const closed = new AbortController()
  response.once('close', () => closed.abort())
  for (let sent = 0; sent < bytes && !response.destroyed; sent += chunk.length) {
    // Rejects when the connection closes while it waits.
    if (!response.write(chunk)) await once(response, 'drain', { signal: closed.signal }).catch(() => {})
  }
  response.end()
}

async function arrived(
  requests: Received[],
  arrivals: EventTarget,
  count: number,
  timeoutMs: number,
): Promise<Received[]> {
  const signal = AbortSignal.timeout(timeoutMs)
  while (requests.length < count) {
    await new Promise<void>((resolve, reject) => {
      arrivals.addEventListener('request', () => resolve(), { once: true })
      signal.addEventListener('abort', () =>
        reject(new Error(`${requests.length} of ${count} requests came within ${timeoutMs} ms`)),
      )
    })
  }
  return requests
}
