import type { Socket } from 'node:net'
import type { ConfigOf } from '../../integrations/integrations.ts'
import { mailboxOf } from '../../integrations/integrations.ts'
import type { Json } from '../../payload/exact-json.ts'
import { stringifyExact } from '../../payload/exact-json.ts'
import type { Verdict } from '../verdict.ts'
import { type Kind, type Link, loadClient } from './kind.ts'
import { isTlsFailure, secretsOf, tlsOptions } from './tls.ts'
import { fillText } from './values.ts'

type Config = ConfigOf<'smtp'>

/** A server is connected to for one mail: what a session leaves behind is nobody's next delivery. */
interface SmtpLink extends Link {
  socket: Socket
  createTransport: typeof import('nodemailer').createTransport
}

interface Mail {
  messageId: string
  date: Date
  to: string[]
  cc: string[]
  replyTo: string | undefined
  subject: string
  text: string | undefined
  html: string | undefined
  isTest: boolean
}

const SUBJECT_CHARS_MAX = 500

/** E-mails, each attempt of a delivery with the same Message-ID. */
export const smtpKind: Kind<Config, Mail, SmtpLink> = {
  address: ({ host, port }) => ({ method: 'MAIL', url: `smtp://${host}:${port}` }),
  secrets: secretsOf,
  pack(config, item, { deliveryId, sentAt, isTest = false }) {
    try {
      const filled = mailOf(config, item, `<${deliveryId}@${domainOf(config.from)}>`, sentAt)
      const mail = isTest ? { ...filled, isTest, subject: `[test] ${filled.subject}` } : { ...filled, isTest }
      const headers: [string, string][] = [
        ['from', config.from],
        ['to', mail.to.join(', ')],
        ['subject', mail.subject],
        ['message-id', mail.messageId],
      ]
      return { ok: true, parcel: mail, shown: { headers } }
    } catch (error) {
      if (error instanceof Unfillable) return { ok: false, message: error.message }
      throw error
    }
  },
  async open(config, way) {
    const { createTransport } = await loadClient('nodemailer', () => import('nodemailer'))
    const socket = await way.connect(config)
    return { socket, createTransport, isAlive: () => false, cut: () => void socket.destroy() }
  },
  async deliver({ socket, createTransport }, { isTest, ...mail }, config) {
    const { host, port, tls, auth, from } = config
    const transport = createTransport({
      host,
      port,
      connection: socket,
      secure: tls === 'tls',
      requireTLS: tls === 'starttls',
      ignoreTLS: tls === 'none',
      tls: tlsOptions(config),
      // A server that offers no login must not get the mail without one.
      ...(auth && { auth: { user: auth.username ?? '', pass: auth.password }, forceAuth: true }),
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    // RFC 3834: so that nobody's out-of-office reply comes back.
    const headers = { 'Auto-Submitted': 'auto-generated', ...(isTest && { 'Sluice-Test': 'true' }) }
    const { response, rejected } = await transport.sendMail({ ...mail, from, headers })
    // Those who have it must not get it again.
    return rejected.length === 0 ? response : `${response}; refused for ${rejected.join(', ')}`
  },
  judge,
}

class Unfillable extends Error {}

function mailOf(config: Config, item: Json, messageId: string, date: Date): Omit<Mail, 'isTest'> {
  const fill = (name: string, template: string, escapeField?: (text: string) => string) => {
    const filled = fillText(template, item, config.unknownFields, escapeField)
    if (!filled.ok) throw new Unfillable(`${name} cannot be filled in: ${filled.message}`)
    return filled.text
  }
  const mailbox = (name: string) => (template: string) => {
    const filled = fill(name, template).trim()
    if (mailboxOf(filled) === undefined)
      throw new Unfillable(`${name} does not come out as one mailbox: shop@example.com`)
    return filled
  }
  const { text, html } = config
  const isBare = text === undefined && html === undefined
  return {
    messageId,
    date,
    to: config.to.map(mailbox('to')),
    cc: config.cc.map(mailbox('cc')),
    replyTo: config.replyTo === undefined ? undefined : mailbox('replyTo')(config.replyTo),
    subject: fill('subject', config.subject)
      .replace(/[\s\u0000-\u001f\u007f]+/g, ' ')
      .trim()
      .slice(0, SUBJECT_CHARS_MAX),
    text: isBare ? stringifyExact(item, 2) : text === undefined ? undefined : fill('text', text),
    html: html === undefined ? undefined : fill('html', html, escapeHtml),
  }
}

const HTML: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => HTML[char] ?? '')
}

function domainOf(mailbox: string): string {
  return mailboxOf(mailbox)?.split('@')[1] ?? 'sluice.invalid'
}

/** Source: RFC 5321, section 4.2.1; the codes of failures are nodemailer's. */
function judge(error: unknown): Verdict | undefined {
  if (!(error instanceof Error)) return undefined
  const {
    code = '',
    originalCode,
    responseCode,
  } = error as Error & {
    code?: string
    originalCode?: string
    responseCode?: number
  }
  const said = error.message
  // A server that takes no login now (454) takes one later.
  const isLasting = responseCode === undefined || responseCode >= 500
  if ((code === 'EAUTH' || code === 'ENOAUTH') && isLasting)
    return { verdict: 'dead', reason: 'unauthorized', message: `${said}; check the auth of the destination` }
  if (code === 'ETLS' || (originalCode !== undefined && isTlsFailure(originalCode)))
    return { verdict: 'retry', reason: 'tls', message: said }
  if (responseCode !== undefined && responseCode >= 500)
    return { verdict: 'dead', reason: code === 'EENVELOPE' ? 'not_found' : 'bad_payload', message: said }
  if (responseCode !== undefined && responseCode >= 400)
    return { verdict: 'retry', reason: 'busy', message: said }
  return undefined
}
