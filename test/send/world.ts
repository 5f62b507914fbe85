import { type ConfigOf, checkDestination } from '../../src/integrations/destination-config.ts'
import { type DeliveryFacts, requestFactsOf } from '../../src/send/push.ts'
import type { Answering, Received } from '../world/receiver.ts'

/** A config as the API reads it. */
export function destination(rest: object = {}): ConfigOf<'http'> {
  const checked = checkDestination({ kind: 'http', url: 'https://erp.example/orders', ...rest })
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems))
  if (checked.config.kind !== 'http') throw new Error(`a destination of the kind ${checked.config.kind}`)
  return checked.config
}

export const FACTS = {
  deliveryId: '0190a000-0000-7000-8000-00000000000d',
  attempt: 3,
  sentAt: new Date('2026-03-01T12:00:00.123Z'),
  version: '1.2.3',
}

/** What a push of these facts is built from. */
export function built(facts: DeliveryFacts) {
  return { ...requestFactsOf(facts), responseBytesMax: 81_920 }
}

/** What a token server asks of a client. */
export interface Client {
  id: string
  secret: string
}

/**
 * A token server as RFC 6749 section 4.4 describes it, to be put behind a receiver: it names its tokens `token-1`,
 * `token-2`, and knows which it gave.
 */
export function tokenServer({ id, secret }: Client, more: { expiresIn?: number | string } = {}) {
  const given: string[] = []
  const forms: Record<string, string>[] = []
  const answer = (received: Received): Answering => {
    const form = Object.fromEntries(new URLSearchParams(received.body.toString()))
    forms.push(form)
    const [clientId, clientSecret] = credentialsIn(received, form)
    if (clientId !== id || clientSecret !== secret)
      return json(401, { error: 'invalid_client', error_description: 'no such client' })
    if (form.grant_type !== 'client_credentials') return json(400, { error: 'unsupported_grant_type' })
    given.push(`token-${given.length + 1}`)
    return json(200, {
      access_token: given.at(-1),
      token_type: 'bearer',
      ...(more.expiresIn !== undefined && { expires_in: more.expiresIn }),
    })
  }
  return { answer, given, forms }
}

function credentialsIn({ headers }: Received, form: Record<string, string>): (string | undefined)[] {
  const basic = /^Basic (.+)$/.exec(String(headers.authorization ?? ''))?.[1]
  if (basic === undefined) return [form.client_id, form.client_secret]
  const pair = Buffer.from(basic, 'base64').toString()
  return pair.split(':').map((part) => new URLSearchParams(`x=${part}`).get('x') ?? '')
}

export function json(status: number, body: object): Answering {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
