import type { Client } from 'undici'
import type { TlsIdentity } from './client-certificate.ts'
import { createPinnedConnector, type Dial } from './connect.ts'
import type { CheckedAddress } from './guard.ts'
import type { Target } from './target.ts'

export interface ConnectionLimits {
  /** All connections together, in use and kept. */
  socketsMax: number
  /** How long an unused connection is kept, whatever the other side offers. */
  idleMs: number
  responseHeaderBytesMax: number
}

/** One connection to one set of checked addresses under one identity; carries one request at a time. */
export interface Connection {
  client: Client
  dial: Dial
  /** Makes it free for the next request; only after the answer was read whole. */
  keep(): void
  /** Closes it; instead of `keep`, when anything is left unread or went wrong. Resolves when it is closed. */
  drop(): Promise<void>
}

export interface Route {
  target: Target
  addresses: readonly CheckedAddress[]
  identity: TlsIdentity
}

export interface Connections {
  /** Waits for a free place when all are in use; rejects with the signal's reason, or when closed. */
  take(route: Route, signal: AbortSignal): Promise<Connection>
  close(): Promise<void>
}

interface Waiter {
  key: string
  give: (connection: Connection) => void
  refuse: (reason: unknown) => void
  make: () => Connection
}

let undici: Promise<typeof import('undici')> | undefined

/** Loaded by the first request: whoever sends none starts earlier. */
function loadUndici(): Promise<typeof import('undici')> {
  undici ??= import('undici')
  return undici
}

/**
 * Keeps connections for reuse, each under the addresses it was checked for and the identity it was made with: when
 * the same name later resolves to other addresses, that is another key, and the kept connection is never found.
 */
export function createConnections(limits: ConnectionLimits): Connections {
  const all = new Set<Connection>()
  // In order of last use, so the first one is the one to give up for another key.
  const idle = new Map<Connection, string>()
  const waiting: Waiter[] = []
  let closed = false

  return {
    async take(route, signal) {
      const { Client } = await loadUndici()
      signal.throwIfAborted()
      if (closed) throw new ClosedError()
      const addresses = route.addresses.map(({ address }) => address).join(',')
      const key = `${route.target.origin} ${addresses} ${route.identity.name}`
      const make = () => open(Client, key, route)
      // Nobody overtakes those who wait already.
      const ready = waiting.length === 0 ? takeNow(key, make) : undefined
      return ready ?? wait({ key, make }, signal)
    },
    async close() {
      closed = true
      for (const waiter of waiting.splice(0)) waiter.refuse(new ClosedError())
      await Promise.all([...all].map((connection) => connection.drop()))
    },
  }

  function takeNow(key: string, make: () => Connection): Connection | undefined {
    const kept = [...idle].findLast(([, otherKey]) => otherKey === key)?.[0]
    if (kept) {
      idle.delete(kept)
      return kept
    }
    if (all.size < limits.socketsMax) return make()
    // Its place comes free when it is closed; until then the request waits.
    const [oldest] = idle.keys()
    void oldest?.drop()
    return undefined
  }

  function wait(wanted: Pick<Waiter, 'key' | 'make'>, signal: AbortSignal): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>()
    const waiter: Waiter = { ...wanted, give: resolve, refuse: reject }
    const onAbort = () => {
      const at = waiting.indexOf(waiter)
      if (at >= 0) waiting.splice(at, 1)
      reject(signal.reason)
    }
    waiting.push(waiter)
    signal.addEventListener('abort', onAbort, { once: true })
    return promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  function serveWaiting(): void {
    for (;;) {
      const [first] = waiting
      const connection = first && takeNow(first.key, first.make)
      if (!connection) return
      waiting.shift()
      first.give(connection)
    }
  }

  function open(HttpClient: typeof Client, key: string, { target, addresses, identity }: Route): Connection {
    const dial: Dial = {
      timeoutMs: 0,
      connectMs: null,
      tlsMs: null,
      remoteAddress: undefined,
      cancel: undefined,
    }
    const connect = createPinnedConnector({ target, addresses, secureContext: identity.context }, () => dial)
    const client = new HttpClient(target.origin, {
      connect,
      pipelining: 1,
      maxHeaderSize: limits.responseHeaderBytesMax,
      keepAliveTimeout: limits.idleMs,
      keepAliveMaxTimeout: limits.idleMs,
      // Both are bounded by the total time-out of each request.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    let gone: Promise<void> | undefined
    // The place is free only when the socket is really closed.
    const leave = async () => {
      idle.delete(connection)
      const closed = client.destroy()
      dial.cancel?.()
      await closed
      all.delete(connection)
      serveWaiting()
    }
    const connection: Connection = {
      client,
      dial,
      keep() {
        if (gone) return
        idle.set(connection, key)
        serveWaiting()
      },
      drop() {
        gone ??= leave()
        return gone
      },
    }
    // An unused connection that the other side closed must neither be handed out nor hold a place.
    client.on('disconnect', () => {
      if (idle.has(connection)) void connection.drop()
    })
    all.add(connection)
    return connection
  }
}

/** The way out was closed before or while the request was waiting. */
export class ClosedError extends Error {
  constructor() {
    super('outgoing connections are closed')
    this.name = 'ClosedError'
  }
}
