import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener, type HttpBindings } from '@hono/node-server'

export type Fetch = (request: Request, env: HttpBindings) => Response | Promise<Response>

export interface ServerOptions {
  host: string
  port: number
  headerBytesMax: number
  /** How long a request may take to arrive, headers and body together. */
  requestWaitMs: number
  fetch: Fetch
}

export interface HttpServer {
  port: number
  /** Takes no more connections, answers what has begun, and ends after the deadline whatever is left. */
  close(deadlineMs: number): Promise<void>
}

/** Longer than the idle time-out of common proxies, so that they never use a connection we are just closing. */
const KEEP_ALIVE_MS = 75_000
const IDLE_CHECK_MS = 50

/** @throws Error with a sentence when the port is taken or not ours to use. */
export async function startServer({
  host,
  port,
  headerBytesMax,
  requestWaitMs,
  fetch,
}: ServerOptions): Promise<HttpServer> {
  const server = createServer({
    maxHeaderSize: headerBytesMax,
    requestTimeout: requestWaitMs,
    headersTimeout: requestWaitMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(requestWaitMs, 1_000),
  })
  const listener = getRequestListener(fetch as Parameters<typeof getRequestListener>[0], {
    overrideGlobalObjects: true,
  })
  server.on('request', listener)
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    refuseBrokenRequest(error, socket, headerBytesMax),
  )
  await listen(server, host, port)
  return {
    port: (server.address() as AddressInfo).port,
    close: (deadlineMs) => closeServer(server, deadlineMs),
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `${host}:${port}`
      if (error.code === 'EADDRINUSE')
        reject(new Error(`${where} is in use; choose another port with PORT=…`))
      else if (error.code === 'EACCES')
        reject(new Error(`${where} may not be used by this user; choose a port above 1023`))
      else reject(new Error(`cannot listen on ${where}: ${error.message}`))
    })
    server.listen({ host, port }, resolve)
  })
}

/** What Node refuses before it is a request: it never reaches the edge, so its answer is written here. */
function refuseBrokenRequest(error: NodeJS.ErrnoException, socket: Socket, headerBytesMax: number): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const [status, sentence] = brokenRequest(error.code, headerBytesMax)
  const body = JSON.stringify({ result: false, error: sentence })
  const length = Buffer.byteLength(body)
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`,
  )
}

function brokenRequest(code: string | undefined, headerBytesMax: number): [status: string, sentence: string] {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return ['431 Request Header Fields Too Large', `The headers are larger than ${headerBytesMax} bytes`]
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return ['408 Request Timeout', 'The request did not arrive in time']
  return ['400 Bad Request', 'This is not an HTTP request']
}

async function closeServer(server: Server, deadlineMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  // A kept connection turns idle only after its answer, so once is not enough.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
  const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs)
  await closed
  clearInterval(idle)
  clearTimeout(deadline)
}
