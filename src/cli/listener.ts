/** The server that takes connections, with or without TLS, and what Node leaves to us about them. */
import { constants } from 'node:crypto'
import { createServer, type Server, type ServerOptions } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { endsOf } from './connection-places.ts'
import type { TlsFiles } from './tls-files.ts'
import type { Tls } from './tls-renewal.ts'
import { trustAnchors } from './trust-anchors.ts'

export interface ListenerTls extends Pick<Tls, 'current' | 'onRenewed'> {
  /** Whether senders are asked for a certificate; each integration decides whether it must be there. */
  asksForCertificate: boolean
}

export interface Listener {
  server: Server
  /** False until TLS is agreed on: nothing can be said on such a socket. */
  canTalk(socket: Socket): boolean
  /** Ends the connections on which no byte of a request has come, unfinished handshakes among them. */
  destroySilent(): void
  /** Ends all connections. */
  destroyAll(): void
}

/** @param handshakeWaitMs how long a client may take for the handshake, however often a byte comes */
export function createListener(
  options: ServerOptions,
  tls: ListenerTls | undefined,
  handshakeWaitMs: number,
): Listener {
  const server = tls ? createTlsServer(options, tls, handshakeWaitMs) : createServer(options)
  // Node itself closes no connection whose handshake is not done, and none that has never said anything.
  const connections = new Map<string, Socket>()
  const agreed = new WeakSet<Socket>()
  const canTalk = (socket: Socket) => !tls || agreed.has(socket)

  function keep(socket: Socket): void {
    const ends = endsOf(socket)
    connections.set(ends, socket)
    socket.once('close', () => {
      if (connections.get(ends) === socket) connections.delete(ends)
    })
  }

  server.on('connection', keep)
  // It stands for the same connection, and takes the place of the plain socket.
  server.on('secureConnection', (socket: Socket) => keep(socket))
  server.on('secureConnection', (socket: Socket) => agreed.add(socket))
  // Whoever says that nothing more will come, as simple clients do after their request, still waits for the answer.
  Object.assign(server, { httpAllowHalfOpen: true })
  server.on('secureConnection', (socket: Socket) => {
    socket.allowHalfOpen = true
  })
  return {
    server,
    canTalk,
    destroySilent() {
      for (const socket of connections.values())
        if (!canTalk(socket) || socket.bytesRead === 0) socket.destroy()
    },
    destroyAll() {
      for (const socket of connections.values()) socket.destroy()
    },
  }
}

function createTlsServer(options: ServerOptions, tls: ListenerTls, handshakeWaitMs: number): Server {
  const server = createSecureServer({
    ...options,
    ...contextOf(tls.current(), tls.asksForCertificate),
    handshakeTimeout: handshakeWaitMs,
    requestCert: tls.asksForCertificate,
    // One without a certificate, or with a wrong one, may mean an integration that asks for none.
    rejectUnauthorized: false,
  })
  // Connections that stand keep what they were made with.
  tls.onRenewed((files) => server.setSecureContext(contextOf(files, tls.asksForCertificate)))
  return server
}

function contextOf({ cert, key, clientCa }: TlsFiles, asksForCertificate: boolean): SecureContextOptions {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    // The certificate of a connection is the one that it began with.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...(asksForCertificate && clientCa !== undefined && { ca: trustAnchors(clientCa) }),
  }
}
