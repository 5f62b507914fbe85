import { createHmac } from 'node:crypto'
import type { HttpRequestConfig } from '../integrations/integrations.ts'

type Auth<Kind> = Extract<HttpRequestConfig['auth'], { kind: Kind }>

/** What a signature speaks about: the request as it is sent. */
export interface Message {
  /** Of what is sent: the same for each attempt. */
  id: string
  method: string
  url: string
  body: string | Buffer
  sentAt: Date
}

export type SignedHeaders = [name: string, value: string][]

/** The headers of an HMAC over the text that the destination asks for. The body is signed byte by byte. */
export function hmacHeaders(auth: Auth<'hmac'>, secret: string, message: Message): SignedHeaders {
  const timestamp = timestampOf(message.sentAt, auth.timestampFormat)
  const key = auth.secretEncoding === 'text' ? secret : Buffer.from(secret, auth.secretEncoding)
  const digest = createHmac(auth.algorithm, key)
    .update(signedBytes(auth.signedText, message, timestamp))
    .digest(auth.encoding)
  const prefix = auth.prefix.replaceAll('{timestamp}', timestamp).replaceAll('{id}', message.id)
  const signature: SignedHeaders = [[auth.header.toLowerCase(), prefix + digest]]
  return auth.timestampHeader === undefined
    ? signature
    : [...signature, [auth.timestampHeader.toLowerCase(), timestamp]]
}

/**
 * The headers of Standard Webhooks, signed with each secret; `webhook-id` is on every push anyway.
 *
 * Source: Standard Webhooks, spec/standard-webhooks.md, "Signature scheme" and "Zero downtime secret rotation".
 */
export function standardHeaders(secrets: readonly string[], message: Message): SignedHeaders {
  const timestamp = timestampOf(message.sentAt, 'seconds')
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
    const signed = createHmac('sha256', key).update(`${message.id}.${timestamp}.`).update(message.body)
    return `v1,${signed.digest('base64')}`
  })
  return [
    ['webhook-timestamp', timestamp],
    ['webhook-signature', signatures.join(' ')],
  ]
}

function timestampOf(at: Date, format: Auth<'hmac'>['timestampFormat']): string {
  if (format === 'iso') return at.toISOString()
  return String(format === 'milliseconds' ? at.getTime() : Math.floor(at.getTime() / 1_000))
}

/** One pass: what a field holds is never taken for a field. */
function signedBytes(template: string, message: Message, timestamp: string): Buffer {
  const { body, id, method, url } = message
  const fields: Record<string, string | Buffer> = { body, timestamp, id, method, url }
  const parts = template.split(/\{(body|timestamp|id|method|url)\}/)
  return Buffer.concat(
    parts.map((part, at) => {
      const written = at % 2 === 1 ? (fields[part] ?? '') : part
      return typeof written === 'string' ? Buffer.from(written) : written
    }),
  )
}
