import type net from 'node:net'
import type tls from 'node:tls'
import type { HostPort } from './allowed.ts'
import type { FailureReason } from './answer.ts'
import { createPinnedConnector, type Dial, type PinnedRoute } from './connect.ts'
import { lookUpWithin, startDeadline } from './deadline.ts'
import { failureOf } from './failure.ts'
import { admit, type Guard } from './guard.ts'
import { readTarget, type Target } from './target.ts'

/** A TCP connection to a checked address. It belongs to the caller, who also ends it. */
export interface Connected {
  ok: true
  socket: net.Socket
  remoteAddress: string
}

export interface Resolved {
  ok: true
  addresses: string[]
}

export interface NotConnected {
  ok: false
  reason: FailureReason
  /** Names host, addresses and port only. */
  message: string
}

export interface SocketRequest extends HostPort {
  /** For the look-up and the connection together. */
  timeoutMs: number
  signal?: AbortSignal
}

/**
 * Connects to a host with which something else than HTTP is spoken, through the same guard: what is no public address
 * is refused unless the operator allowed it, and only the address that was checked is connected to. TLS is for the
 * caller to begin.
 */
export async function openGuardedSocket(
  { host, port, timeoutMs, signal }: SocketRequest,
  guard: Guard,
  secureContext: tls.SecureContext,
): Promise<Connected | NotConnected> {
  const target = targetOf({ host, port })
  if (typeof target === 'string') return { ok: false, reason: 'bad_url', message: target }
  const deadline = startDeadline(timeoutMs, signal)
  try {
    const addresses = await lookUpWithin(timeoutMs, deadline.signal, () => admit(target, guard))
    if (!Array.isArray(addresses)) return { ok: false, ...addresses }
    return await dialled({ target, addresses, secureContext }, timeoutMs, deadline.signal)
  } catch (error) {
    return { ok: false, ...failureOf(error, target) }
  } finally {
    deadline.end()
  }
}

/** What a connection would be made to, without making it. */
export async function findCheckedAddresses(
  { host, port, timeoutMs, signal }: SocketRequest,
  guard: Guard,
): Promise<Resolved | NotConnected> {
  const target = targetOf({ host, port })
  if (typeof target === 'string') return { ok: false, reason: 'bad_url', message: target }
  const deadline = startDeadline(timeoutMs, signal)
  try {
    const addresses = await lookUpWithin(timeoutMs, deadline.signal, () => admit(target, guard))
    if (!Array.isArray(addresses)) return { ok: false, ...addresses }
    return { ok: true, addresses: addresses.map(({ address }) => address) }
  } catch (error) {
    return { ok: false, ...failureOf(error, target) }
  } finally {
    deadline.end()
  }
}

/** Read as a URL is, so that the guard knows the host under its one spelling. */
function targetOf({ host, port }: HostPort): Target | string {
  const target = readTarget(`http://${host.includes(':') ? `[${host}]` : host}:${port}/`)
  return typeof target === 'string' || target.path === '/' ? target : 'the host name is not valid'
}

function dialled(route: PinnedRoute, timeoutMs: number, signal: AbortSignal): Promise<Connected> {
  const { promise, resolve, reject } = Promise.withResolvers<Connected>()
  const dial: Dial = {
    timeoutMs,
    connectMs: null,
    tlsMs: null,
    remoteAddress: undefined,
    cancel: undefined,
  }
  const onAbort = () => {
    reject(signal.reason)
    dial.cancel?.()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  createPinnedConnector(route, () => dial)(
    {} as Parameters<ReturnType<typeof createPinnedConnector>>[0],
    (error, socket) => {
      signal.removeEventListener('abort', onAbort)
      if (!socket) return reject(error)
      // Until the caller listens, a lost connection must not end the process.
      socket.on('error', () => {})
      resolve({ ok: true, socket, remoteAddress: dial.remoteAddress ?? '' })
    },
  )
  return promise
}
