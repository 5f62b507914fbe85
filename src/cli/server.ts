import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { breakOff, createRefuser, faultOf, type RefuseBroken } from './broken-requests.ts'
import { type ConnectionLimits, limitConnections } from './connection-places.ts'
import { hangUpAfterAnswer, LINGER_BYTES_MAX } from './hang-up.ts'
import { createListener, type Listener, type ListenerTls } from './listener.ts'

export type Fetch = (request: Request, env: HttpBindings) => Response | Promise<Response>

export interface ServerOptions {
  host: string
  port: number
  headerBytesMax: number
  /** How long a request may take to arrive, headers and body together. */
  requestWaitMs: number
  /** From then on each answer closes its connection. */
  isLeaving?: () => boolean
  limits?: ConnectionLimits
  /** Speaks HTTPS with it, and HTTP without. */
  tls?: ListenerTls | undefined
  fetch: Fetch
  /** Accounts for what broke before it was a request, and words the answer; without it the answer is empty. */
  refuseBroken?: RefuseBroken | undefined
  /** Told of those with whom no TLS could be agreed on; they get no answer. */
  onFailedHandshake?: ((socket: Socket, error: Error) => void) | undefined
}

export interface HttpServer {
  port: number
  /** Takes no more connections, answers what has begun, and ends after the deadline whatever is left. */
  close(deadlineMs: number): Promise<void>
}

/** Longer than the idle time-out of common proxies, so that they never use a connection we are just closing. */
const KEEP_ALIVE_MS = 75_000
const IDLE_CHECK_MS = 50
const SILENT_MS = 500
/** A sender who is refused in the middle of his body has so long to find out. */
const LINGER_MS = 5_000
/** The edge times the body and accounts for it; Node's own time-out only stands behind it. */
const BACKSTOP_MS = 5_000

/** @throws Error with a sentence when the port is taken or not ours to use. */
export async function startServer(options: ServerOptions): Promise<HttpServer> {
  const { requestWaitMs } = options
  const limits = {
    maxHeaderSize: options.headerBytesMax,
    requestTimeout: 2 * requestWaitMs + BACKSTOP_MS,
    headersTimeout: requestWaitMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(requestWaitMs, 1_000),
    // Node's own refusal says nothing, and nobody would hear of it.
    requireHostHeader: false,
  }
  const listener = createListener(limits, options.tls, requestWaitMs)
  const { server } = listener
  // Node would drop what is beyond its limit without a word, the header of the proxy among it. The bytes are limited.
  server.maxHeadersCount = 0
  const places = options.limits && limitConnections(server, options.limits)
  /** The latest request of a connection; answers go out in order, so when its answer is out, all are. */
  const latest = new WeakMap<Socket, { incoming: IncomingMessage; outgoing: ServerResponse }>()
  const closing = new WeakSet<Socket>()
  /** How many bytes had come when nothing could be read any more. */
  const broken = new WeakMap<Socket, number>()

  const lingerMs = Math.min(requestWaitMs, LINGER_MS)
  const refuser = createRefuser(options.refuseBroken, { headerBytesMax: options.headerBytesMax, lingerMs })

  function onRequest(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { socket } = incoming
    // Nobody would hear the answer: "close" was said (RFC 9112 section 9.6).
    if (closing.has(socket)) return void incoming.resume()
    const isBeyond = places?.isBeyond(socket)
    if (isBeyond || !server.listening || options.isLeaving?.()) outgoing.shouldKeepAlive = false
    latest.set(socket, { incoming, outgoing })

    async function finish(response: Response | Promise<Response>): Promise<Response> {
      const answer = await response
      // The body may stand in the same packet, which is read to its end by then.
      if (!incoming.complete) await setImmediate()
      if (!incoming.complete) {
        outgoing.shouldKeepAlive = false
        closing.add(socket)
        hangUpAfterAnswer(incoming, lingerMs)
      }
      return answer
    }
    const fetch: Parameters<typeof getRequestListener>[0] = async (request, env) => {
      if (isBeyond) return finish(refuser.refuse('too_many_connections', socket))
      const lacksHost = incoming.httpVersion === '1.1' && incoming.headers.host === undefined
      // A Host or target that is no address, such as `1.2.3.4.5`; Node lets it pass, and not every check finds it.
      if (lacksHost || !URL.canParse(request.url)) return finish(refuser.refuse('not_http', socket))
      return finish(options.fetch(request, env as HttpBindings))
    }
    void getRequestListener(fetch, {
      overrideGlobalObjects: true,
      // HTTP/1.0 knows no Host.
      hostname: 'localhost',
      errorHandler: (error) => {
        const isTarget = error instanceof Error && error.name === 'RequestError'
        return finish(isTarget ? refuser.refuse('not_http', socket) : new Response(null, { status: 500 }))
      },
    })(incoming, outgoing)
  }

  server.on('request', onRequest)
  // Whether the body is welcome is for the one who answers to say.
  server.on('checkContinue', onRequest)
  // What else is expected of us may be ignored (RFC 9110 section 10.1.1).
  server.on('checkExpectation', onRequest)
  server.on('connect', (_incoming, stream) => {
    // Node has let go of it.
    const socket = (stream as Socket).on('error', () => {}).resume()
    afterAnswers(socket, () => refuser.refuseUnread('method_not_allowed', socket))
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!listener.canTalk(socket)) {
      options.onFailedHandshake?.(socket, error)
      socket.destroy()
      return
    }
    // Node tells of a broken connection again with whatever still comes.
    const brokenAt = broken.get(socket)
    if (brokenAt !== undefined) {
      if (socket.bytesRead - brokenAt > LINGER_BYTES_MAX) socket.destroy()
      return
    }
    broken.set(socket, socket.bytesRead)
    const last = latest.get(socket)
    if (last && !last.incoming.complete) breakOff(last.incoming, error)
    else afterAnswers(socket, () => refuser.refuseUnread(faultOf(error.code), socket))
  })

  /** Nothing that breaks may take away the answers of the requests before it. */
  function afterAnswers(socket: Socket, proceed: () => void): void {
    const outgoing = latest.get(socket)?.outgoing
    if (outgoing && !outgoing.closed) outgoing.once('close', proceed)
    else proceed()
  }

  await listen(server, options.host, options.port)
  return {
    port: (server.address() as AddressInfo).port,
    close: (deadlineMs) => closeServer(listener, deadlineMs),
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `${host}:${port}`
      if (error.code === 'EADDRINUSE')
        reject(
          new Error(`${where} is in use by another program; choose another port with PORT=… or ADMIN_PORT=…`),
        )
      else if (error.code === 'EACCES')
        reject(new Error(`${where} may not be used by this user; choose a port above 1023`))
      else if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
        reject(new Error(`${host} is no address of this machine; set HOST to one, or to 0.0.0.0 for all`))
      else reject(new Error(`cannot listen on ${where}: ${error.message}`))
    })
    server.listen({ host, port }, resolve)
  })
}

async function closeServer(
  { server, destroySilent, destroyAll }: Listener,
  deadlineMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  // A kept connection turns idle only after its answer, so once is not enough.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
  // Who has just connected may still say what he came for.
  const silent = setTimeout(destroySilent, SILENT_MS)
  const deadline = setTimeout(destroyAll, deadlineMs)
  await closed
  clearInterval(idle)
  clearTimeout(silent)
  clearTimeout(deadline)
}
