import net from 'node:net'
import tls from 'node:tls'
import { makeServerCertificate, serverAuthority } from './https.ts'

export interface ServedTls {
  port: number
  /** The authority of its certificate, in PEM. */
  ca: string
  close(): Promise<void>
}

/** TLS in front of a server that speaks in the clear; its certificate is for localhost and 127.0.0.1. */
export async function startServedTls(port: number, host = '127.0.0.1'): Promise<ServedTls> {
  const sockets = new Set<net.Socket>()
  const { cert, key } = makeServerCertificate()
  const server = tls.createServer({ cert, key }, (near) => {
    const far = net.connect(port, host)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => [near, far].map((one) => one.destroy()))
    }
    near.pipe(far).pipe(near)
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as net.AddressInfo).port,
    ca: serverAuthority.cert,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
