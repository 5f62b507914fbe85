import net from 'node:net'
import tls from 'node:tls'
import type { buildConnector } from 'undici'
import type { CheckedAddress } from './guard.ts'
import type { Target } from './target.ts'

/** Why no connection came about; `step` says how far it got. */
export class DialError extends Error {
  readonly step: 'connect' | 'tls' | 'timeout'

  constructor(step: 'connect' | 'tls' | 'timeout', message: string) {
    super(message)
    this.name = 'DialError'
    this.step = step
  }
}

/** What the request that needs a connection gives and gets; filled while the connection is made. */
export interface Dial {
  timeoutMs: number
  connectMs: number | null
  tlsMs: number | null
  remoteAddress: string | undefined
  /** Ends a connection that is still being made. */
  cancel: (() => void) | undefined
}

export interface PinnedRoute {
  target: Target
  addresses: readonly CheckedAddress[]
  /** Used for https only. */
  secureContext: tls.SecureContext
}

/**
 * Makes connections that can only lead to the checked addresses: whatever host name is passed in later, no second
 * look-up takes place. TLS still verifies the name.
 */
export function createPinnedConnector(route: PinnedRoute, dialNow: () => Dial): buildConnector.connector {
  const secureContext = route.target.protocol === 'https:' ? route.secureContext : undefined
  return (_options, done) => {
    const dial = dialNow()
    const startedAt = performance.now()
    let socket: net.Socket = net.connect({
      ...hostOptions(route),
      port: route.target.port,
      noDelay: true,
      keepAlive: true,
    })
    const settle = once((error: DialError | undefined) => {
      clearTimeout(timer)
      dial.cancel = undefined
      socket.off('error', onError)
      if (!error) return done(null, socket)
      socket.on('error', () => {})
      socket.destroy()
      done(error, null)
    })
    const onError = (error: Error) => {
      const step = dial.connectMs === null ? 'connect' : 'tls'
      settle(new DialError(step, sentenceOf(error)))
    }
    const timer = setTimeout(() => {
      settle(new DialError('timeout', `no connection within ${dial.timeoutMs} ms`))
    }, dial.timeoutMs)
    dial.cancel = () => settle(new DialError('connect', 'given up while connecting'))
    socket.once('error', onError)
    socket.once('connect', () => {
      dial.connectMs = performance.now() - startedAt
      dial.remoteAddress = socket.remoteAddress
      if (!leadsTo(route.addresses, socket.remoteAddress))
        return settle(new DialError('connect', 'the connection led to another address than the checked one'))
      if (!secureContext) return settle(undefined)
      socket.off('error', onError)
      socket = secure(socket, route.target, secureContext)
      socket.once('error', onError)
      socket.once('secureConnect', () => {
        dial.tlsMs = performance.now() - startedAt - (dial.connectMs ?? 0)
        settle(undefined)
      })
    })
  }
}

/** One address is connected to as it is; several are tried in turn, IPv6 and IPv4 alternating (RFC 8305). */
function hostOptions({ target, addresses }: PinnedRoute): net.TcpNetConnectOpts {
  const [first] = addresses
  if (!first) throw new Error('a connection needs at least one checked address')
  if (addresses.length === 1) return { host: first.address, port: target.port }
  return {
    host: target.host,
    port: target.port,
    autoSelectFamily: true,
    lookup: (_host, _options, done) => done(null, [...addresses]),
  }
}

function leadsTo(addresses: readonly CheckedAddress[], remote: string | undefined): boolean {
  return remote !== undefined && addresses.some(({ address }) => sameAddress(address, remote))
}

function sameAddress(left: string, right: string): boolean {
  const list = new net.BlockList()
  list.addAddress(left, net.isIPv6(left) ? 'ipv6' : 'ipv4')
  return list.check(right, net.isIPv6(right) ? 'ipv6' : 'ipv4')
}

function secure(socket: net.Socket, target: Target, secureContext: tls.SecureContext): tls.TLSSocket {
  return tls.connect({
    socket,
    secureContext,
    // Without this, NODE_TLS_REJECT_UNAUTHORIZED in the environment would switch the check off.
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
    // An address is no server name (RFC 6066), but the certificate is checked against it all the same.
    host: target.host,
    ...(target.literal ? {} : { servername: target.host }),
  })
}

/** The several failures behind an AggregateError say more than its own empty message. */
function sentenceOf(error: Error): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(String))].join('; ')
  return error.message
}

function once<T>(action: (value: T) => void): (value: T) => void {
  let done = false
  return (value) => {
    if (done) return
    done = true
    action(value)
  }
}
