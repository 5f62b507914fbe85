import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type MadeCertificate, makeAuthority, makeCertificate } from '../world/certificates.ts'

/** Signs the certificates of the receivers here, which only a request with this `ca` trusts. */
export const privateAuthority = makeAuthority('A private authority')
/** Signs the certificates of clients that the receivers let in. */
export const clientAuthority = makeAuthority('An authority of clients')

export interface TlsReceiver {
  url: string
  port: number
  /** The common name of each client, request by request. */
  clients: string[]
  /** What came, body included. */
  requests: { headers: IncomingMessage['headers']; body: string }[]
  connections(): number
  close(): Promise<void>
}

/** A real HTTPS server that lets in nobody without a certificate of {@link clientAuthority}. */
export async function startTlsReceiver(tlsVersion?: 'TLSv1.2' | 'TLSv1.3'): Promise<TlsReceiver> {
  const own = makeCertificate({
    subject: [[['CN', 'localhost']]],
    by: privateAuthority,
    hosts: ['localhost'],
  })
  const clients: string[] = []
  const requests: TlsReceiver['requests'] = []
  let connections = 0
  const server = createServer(
    {
      cert: own.cert,
      key: own.key,
      ca: clientAuthority.cert,
      requestCert: true,
      rejectUnauthorized: true,
      ...(tlsVersion && { minVersion: tlsVersion, maxVersion: tlsVersion }),
    },
    async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      clients.push(commonNameOf(request.socket as TLSSocket))
      requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
      response.end('in')
    },
  )
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    clients,
    requests,
    connections: () => connections,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** A certificate with a key of its own, as the config of a destination takes it. */
export function makeClient(commonName: string, by: MadeCertificate = clientAuthority) {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { cert, key } = makeCertificate({ subject: [[['CN', commonName]]], by }, keys)
  return { cert, key, ca: privateAuthority.cert }
}

export function encrypted(key: string, passphrase: string): string {
  const opened: KeyObject = createPrivateKey(key)
  return opened.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }) as string
}

function commonNameOf(socket: TLSSocket): string {
  const { CN } = socket.getPeerCertificate().subject
  return typeof CN === 'string' ? CN : ''
}
