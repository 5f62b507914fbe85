/**
 * The one guarded way out. Every outgoing HTTP request of the program goes through here: the host's addresses are
 * resolved by us, each is checked, and only a checked address is connected to. Redirects are answers, never
 * followed; no proxy is taken from the environment; everything has a limit.
 */
import { createAllowed, type HostPort } from './allowed.ts'
import type { Answer, FailureReason, Timing } from './answer.ts'
import { CertificateError, type ClientCertificate, createIdentities } from './client-certificate.ts'
import { type Connection, type ConnectionLimits, type Connections, createConnections } from './connections.ts'
import { lookUpWithin, startDeadline } from './deadline.ts'
import { type Exchanged, exchange } from './exchange.ts'
import { failureOf } from './failure.ts'
import { admit, type Guard } from './guard.ts'
import {
  type Connected,
  findCheckedAddresses,
  type NotConnected,
  openGuardedSocket,
  type Resolved,
  type SocketRequest,
} from './guarded-socket.ts'
import { managedHeader } from './managed-headers.ts'
import { createSystemResolver, type Resolver } from './resolver.ts'
import { readHost, readTarget, type Target } from './target.ts'

export { type HostPort, parseHostPort } from './allowed.ts'
export type { Answer, Answered, FailureReason, Timing, Unanswered } from './answer.ts'
export type { ClientCertificate } from './client-certificate.ts'
export type { Connected, NotConnected, Resolved, SocketRequest } from './guarded-socket.ts'
export { managedHeader } from './managed-headers.ts'
export type { Resolver } from './resolver.ts'
export { readHost }

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface OutboundRequest {
  method: Method
  /** Absolute http or https URL without credentials. */
  url: string
  headers: readonly [name: string, value: string][]
  body?: Buffer | string
  /** `connect`: the look-up, and again TCP and TLS together. `total`: everything, waiting for a place included. */
  timeoutMs: { connect: number; total: number }
  responseBytesMax: number
  signal?: AbortSignal
  /** For https only. */
  clientCertificate?: ClientCertificate
}

export interface OutboundOptions {
  /** What the operator allows although it lies inside; empty means: public addresses only. */
  allowed: readonly HostPort[]
  resolver?: Resolver
  log: { warn(fields: object, message: string): void }
  limits?: Partial<ConnectionLimits>
  /** PEM certificates that are trusted beside the system's. */
  certificates?: readonly string[]
}

export interface Outbound {
  /** Never rejects for what the other side, the network or the request does: that is in the answer. */
  request(request: OutboundRequest): Promise<Answer>
  /** A connection for what is not HTTP; it belongs to the caller, who also ends it. Never rejects. */
  connect(request: SocketRequest): Promise<Connected | NotConnected>
  /**
   * The checked addresses of a host, for a client that takes no connection from us: it connects to one of them and
   * looks nothing up. Never rejects.
   */
  resolve(request: SocketRequest): Promise<Resolved | NotConnected>
  /** Ends what is under way (reason `closed`) and every connection of requests. */
  close(): Promise<void>
}

const LIMITS: ConnectionLimits = { socketsMax: 256, idleMs: 4_000, responseHeaderBytesMax: 16_384 }

export function createOutbound(options: OutboundOptions): Outbound {
  const guard: Guard = {
    allowed: createAllowed(options.allowed),
    resolver: options.resolver ?? createSystemResolver(),
  }
  const connections = createConnections({ ...LIMITS, ...options.limits })
  const identify = createIdentities(options.certificates ?? [])
  const warnOfBlocked = (answer: { ok: boolean; reason?: FailureReason; message?: string }) => {
    const { reason, message = '' } = answer
    if (reason === 'blocked_address') options.log.warn({ reason }, message)
  }
  return {
    request: async (request) => {
      const answer = await perform(request, guard, connections, identify)
      warnOfBlocked(answer)
      return answer
    },
    connect: async (request) => {
      const connected = await openGuardedSocket(request, guard, identify(undefined).context)
      warnOfBlocked(connected)
      return connected
    },
    resolve: async (request) => {
      const resolved = await findCheckedAddresses(request, guard)
      warnOfBlocked(resolved)
      return resolved
    },
    close: () => connections.close(),
  }
}

async function perform(
  request: OutboundRequest,
  guard: Guard,
  connections: Connections,
  identify: ReturnType<typeof createIdentities>,
): Promise<Answer> {
  const clock = startClock()
  const target = readTarget(request.url)
  if (typeof target === 'string') return clock.failed('bad_url', target)
  const managed = request.headers.find(([name]) => managedHeader(name))
  if (managed) return clock.failed('bad_request', `the header ${managed[0]} is set by the connection itself`)
  if (request.clientCertificate && target.protocol !== 'https:')
    return clock.failed('bad_request', 'a client certificate can be shown over https only')
  const deadline = startDeadline(request.timeoutMs.total, request.signal)
  try {
    const identity = identify(request.clientCertificate)
    const addresses = await lookUpWithin(request.timeoutMs.connect, deadline.signal, () =>
      admit(target, guard),
    )
    clock.timing.dnsMs = target.literal ? null : clock.elapsedMs()
    if (!Array.isArray(addresses)) return clock.failed(addresses.reason, addresses.message)
    const connection = await connections.take({ target, addresses, identity }, deadline.signal)
    prepareDial(connection, request.timeoutMs.connect)
    const exchanged = await exchange(
      connection,
      { ...request, path: target.path, body: request.body },
      deadline.signal,
    )
    return clock.finished(exchanged, connection, target)
  } catch (error) {
    if (error instanceof CertificateError) return clock.failed('bad_request', error.message)
    const { reason, message } = failureOf(error, target)
    return clock.failed(reason, message)
  } finally {
    deadline.end()
  }
}

function startClock() {
  const startedAt = performance.now()
  const elapsedMs = () => performance.now() - startedAt
  const timing: Timing = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, totalMs: 0 }
  const failed = (reason: FailureReason, message: string): Answer => {
    timing.totalMs = elapsedMs()
    return { ok: false, reason, message, timing }
  }
  const finished = (exchanged: Exchanged, { dial }: Connection, target: Target): Answer => {
    timing.connectMs = dial.connectMs
    timing.tlsMs = dial.tlsMs
    timing.firstByteMs = exchanged.firstByteAt === undefined ? null : exchanged.firstByteAt - startedAt
    timing.totalMs = elapsedMs()
    const { status, headers, body, truncated, error } = exchanged
    if (error === undefined && status !== undefined)
      return { ok: true, status, headers, body, truncated, timing, remoteAddress: dial.remoteAddress ?? '' }
    const { reason, message } = failureOf(error, target)
    return { ok: false, reason, message, timing, ...(status === undefined ? {} : { status }) }
  }
  return { timing, elapsedMs, failed, finished }
}

/** A kept connection reports no connect and TLS times: this request did not wait for them. */
function prepareDial({ dial }: Connection, timeoutMs: number): void {
  dial.timeoutMs = timeoutMs
  dial.connectMs = null
  dial.tlsMs = null
}
