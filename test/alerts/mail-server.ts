import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { eventually } from '../world/eventually.ts'
import { receiverCertificate } from '../world/receiver.ts'

export interface ReceivedMail {
  from: string
  to: string[]
  /** Names in lower case, folded lines joined. */
  headers: Record<string, string>
  text: string
  /** Whether it came over TLS, and who had logged in. */
  secure: boolean
  user: string | undefined
}

export interface MailServer {
  port: number
  mails: ReceivedMail[]
  /** Resolves when so many mails have come in all. */
  received(count: number): Promise<ReceivedMail[]>
  /** Recipients that are refused from then on. */
  refuse(addresses: string[]): void
  close(): Promise<void>
}

export interface MailServerOptions {
  /** `starttls` offers it, `tls` speaks it from the first byte, `none` does neither. */
  tls?: 'starttls' | 'tls' | 'none'
  /** Asks for this login. */
  credentials?: { username: string; password: string }
  port?: number
}

/** The certificate of the server, for localhost. */
export const mailCertificate = receiverCertificate

/** A real SMTP server on a port of 127.0.0.1. */
export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const { tls = 'none', credentials, port = 0 } = options
  const mails: ReceivedMail[] = []
  let refused: string[] = []
  const server = new SMTPServer({
    secure: tls === 'tls',
    key: readFileSync(new URL('../world/certs/receiver-key.pem', import.meta.url), 'utf8'),
    cert: receiverCertificate,
    disabledCommands: [...(tls === 'none' ? ['STARTTLS'] : []), ...(credentials ? [] : ['AUTH'])],
    authOptional: credentials === undefined,
    onAuth({ username, password }, _session, done) {
      if (username === credentials?.username && password === credentials?.password)
        return done(null, { user: username })
      done(new Error('wrong login'))
    },
    onRcptTo({ address }, _session, done) {
      done(refused.includes(address) ? new Error('nobody of that name') : null)
    },
    onData(stream, session, done) {
      const { mailFrom, rcptTo } = session.envelope
      buffer(stream).then(
        (content) => {
          mails.push({
            from: mailFrom ? mailFrom.address : '',
            to: rcptTo.map(({ address }) => address),
            ...readMail(content.toString('latin1')),
            secure: session.secure,
            user: session.user as string | undefined,
          })
          done()
        },
        // Who hangs up in the middle has sent no mail.
        (error: Error) => done(error),
      )
    },
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    received: (count) =>
      eventually(() => {
        if (mails.length < count) throw new Error(`${mails.length} of ${count} mails have come`)
        return mails
      }),
    refuse(addresses) {
      refused = addresses
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

/** Headers and text of a mail as it is on the wire, of one part. */
export function readMail(raw: string): { headers: Record<string, string>; text: string } {
  const [head = '', ...rest] = raw.split('\r\n\r\n')
  const lines = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), withoutEncodedWords(line.slice(colon + 1).trim())]
    }),
  )
  return { headers, text: decoded(rest.join('\r\n\r\n'), headers['content-transfer-encoding'] ?? '7bit') }
}

/** RFC 2047, as nodemailer writes it: UTF-8, either form. */
function withoutEncodedWords(text: string): string {
  return text
    .replaceAll(/(\?=)\s+(=\?)/g, '$1$2')
    .replaceAll(/=\?UTF-8\?([QB])\?(.*?)\?=/g, (_all, form: string, word: string) =>
      form === 'B'
        ? Buffer.from(word, 'base64').toString('utf8')
        : decoded(word.replaceAll('_', ' '), 'quoted-printable'),
    )
}

function decoded(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8')
  if (encoding !== 'quoted-printable') return body
  const bytes = body
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
