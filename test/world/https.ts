import { once } from 'node:events'
import { type RequestOptions, request } from 'node:https'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { makeAuthority, makeCertificate } from './certificates.ts'

export interface HttpsAnswer {
  status: number
  body: string
}

/** Signs the certificates of the servers in tests. */
export const serverAuthority = makeAuthority('Servers of the tests')

export function makeServerCertificate(commonName = 'localhost') {
  return makeCertificate({ subject: [[['CN', commonName]]], by: serverAuthority, hosts: ['localhost'] })
}

/** One request over HTTPS on a connection of its own, by a client that checks who answers. */
export function askHttps(port: number, options: RequestOptions = {}, body = '{}'): Promise<HttpsAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpsAnswer>()
  const asked = request({ host: '127.0.0.1', port, agent: false, ca: serverAuthority.cert, ...options })
  asked.on('error', reject)
  asked.on('response', async (answer) => {
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(chunk)
    resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() })
  })
  asked.end(options.method === 'GET' ? undefined : body)
  return promise
}

/** A connection on which the handshake is done. */
export async function openTls(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ca: serverAuthority.cert, ...options })
  await once(socket, 'secureConnect')
  socket.on('error', () => {})
  return socket
}
