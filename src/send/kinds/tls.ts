import { isIP, type Socket } from 'node:net'
import tls from 'node:tls'

export interface TlsConfig {
  host: string
  ca?: string | undefined
  clientCertificate?: { cert: string; key: string; passphrase?: string | undefined } | undefined
}

/** How a server is recognised, and how we show ourselves. It verifies whatever the environment says. */
export function tlsOptions({ host, ca, clientCertificate }: TlsConfig) {
  return {
    // Without this, NODE_TLS_REJECT_UNAUTHORIZED in the environment would switch the check off.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca: [...tls.getCACertificates('default'), ca] }),
    ...(clientCertificate && {
      cert: clientCertificate.cert,
      key: clientCertificate.key,
      ...(clientCertificate.passphrase !== undefined && { passphrase: clientCertificate.passphrase }),
    }),
  } satisfies tls.ConnectionOptions
}

/** TLS from the first byte. */
export async function secured(socket: Socket, config: TlsConfig): Promise<tls.TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const secure = tls.connect({ socket, ...tlsOptions(config) }, resolve)
  secure.once('error', reject)
  secure.once('close', () => reject(new Error('the connection was closed while TLS began')))
  await promise
  secure.off('error', reject)
  secure.on('error', () => {})
  return secure
}

/** Texts of a config that must not be shown. */
export function secretsOf({
  auth,
  clientCertificate,
}: {
  auth?: { password?: string | undefined } | undefined
  clientCertificate?: TlsConfig['clientCertificate']
}): string[] {
  return [auth?.password, clientCertificate?.passphrase].filter((text) => text !== undefined)
}

/** Whether a code of Node means that TLS did not come about. Source: Node.js documentation, "X509 certificate error codes". */
export function isTlsFailure(code: string): boolean {
  return /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/.test(
    code,
  )
}

/** Whether anything can still come over a connection. */
export function isOpen(socket: Socket): boolean {
  return !socket.destroyed && !socket.readableEnded && socket.writable
}
