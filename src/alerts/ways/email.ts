import { isIP, type Socket } from 'node:net'
import tls from 'node:tls'
import type { ConfigOf } from '../channel-config.ts'
import type { Notice, Told, Way } from '../notice.ts'

type EmailConfig = ConfigOf<'email'>

const CONNECT_MS = 10_000
/** A server may think about a mail for long, for as long as its operator lets it look for spam. */
const TOTAL_MS = 60_000

/** A mail over SMTP, on a connection of its own to an address that was checked. */
export const tellEmail: Way<EmailConfig> = async (config, notice, { outbound, signal }) => {
  const { host, port } = config
  const connected = await outbound.connect({ host, port, timeoutMs: CONNECT_MS, signal })
  if (!connected.ok) return { ok: false, problem: connected.message }
  const { socket } = connected
  try {
    return await sendOver(socket, config, notice, AbortSignal.any([signal, AbortSignal.timeout(TOTAL_MS)]))
  } catch (error) {
    return { ok: false, problem: `${host} port ${port}: ${(error as Error).message}` }
  } finally {
    socket.destroy()
  }
}

async function sendOver(
  socket: Socket,
  config: EmailConfig,
  notice: Notice,
  signal: AbortSignal,
): Promise<Told> {
  const { host, port, username: user, password: pass, from, to } = config
  // Loaded by the first mail: few gateways send any.
  const { createTransport } = await import('nodemailer')
  const transport = createTransport({
    host,
    port,
    connection: socket,
    secure: config.tls === 'tls',
    requireTLS: config.tls === 'starttls',
    ignoreTLS: config.tls === 'none',
    tls: tlsOptions(config),
    // A server that offers no login must not get the mail without one.
    ...(user !== undefined && { auth: { user, pass }, forceAuth: true }),
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const { rejected } = await transport.sendMail({
    from,
    to,
    subject: notice.subject,
    text: notice.text,
    date: notice.at,
    messageId: `<${notice.id}@${domainOf(from)}>`,
    // RFC 3834: so that nobody's out-of-office reply comes back.
    headers: { 'Auto-Submitted': 'auto-generated' },
    signal,
  })
  return { ok: true, problem: rejected.length === 0 ? null : `refused for ${rejected.join(', ')}` }
}

function tlsOptions({ host, ca }: EmailConfig): tls.ConnectionOptions {
  return {
    // Without this, NODE_TLS_REJECT_UNAUTHORIZED in the environment would switch the check off.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca: [...tls.getCACertificates('default'), ca] }),
  }
}

function domainOf(mailbox: string): string {
  return /@([^\s>@]+)>?$/.exec(mailbox)?.[1] ?? 'sluice.invalid'
}
