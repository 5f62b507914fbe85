import type { HttpRequestConfig } from '../integrations/integrations.ts'
import { activeSecrets } from './active-secrets.ts'
import type { Hidden } from './mask.ts'
import { hmacHeaders, type Message, standardHeaders } from './sign.ts'

type Auth = HttpRequestConfig['auth']

export interface Credentials {
  ok: true
  headers: [name: string, value: string][]
}

export type GivenCredentials = Credentials | { ok: false; message: string }

/**
 * What an auth adds to the headers of a request.
 *
 * @param token what OAuth2 gave for this request; no other kind reads it
 */
export function credentialsOf(auth: Auth, message: Message, token: string | undefined): GivenCredentials {
  switch (auth.kind) {
    case 'none':
      return given([])
    case 'basic':
      return given([['authorization', `Basic ${basicPair(auth)}`]])
    case 'bearer':
      return given([['authorization', `Bearer ${auth.token}`]])
    case 'apiKey':
      return given(auth.in === 'header' ? [[auth.name.toLowerCase(), auth.value]] : [])
    case 'oauth2':
      if (token === undefined) return { ok: false, message: 'there is no token' }
      return given([['authorization', `Bearer ${token}`]])
    case 'header':
    case 'hmac':
    case 'standardWebhooks':
      return renewed(auth, message)
  }
}

/** What an auth adds to the query, not yet encoded. */
export function queryOf(auth: Auth): [name: string, value: string][] {
  return auth.kind === 'apiKey' && auth.in === 'query' ? [[auth.name, auth.value]] : []
}

/** What gives the secrets of an auth away, for masking. */
export function hiddenOf(auth: Auth, token: string | undefined): Hidden {
  switch (auth.kind) {
    case 'none':
      return { names: [], texts: [] }
    case 'basic':
      return { names: ['authorization'], texts: [basicPair(auth), auth.password] }
    case 'bearer':
      return { names: ['authorization'], texts: [auth.token] }
    case 'apiKey':
      return { names: [auth.name], texts: [auth.value] }
    case 'oauth2':
      return { names: ['authorization'], texts: token === undefined ? [auth.secret] : [auth.secret, token] }
    case 'header':
    case 'hmac':
      return { names: [auth.header], texts: auth.secrets.map(({ secret }) => secret) }
    case 'standardWebhooks':
      return { names: ['webhook-signature'], texts: auth.secrets.map(({ secret }) => secret) }
  }
}

type Renewed = Extract<Auth, { kind: 'header' | 'hmac' | 'standardWebhooks' }>

function renewed(auth: Renewed, message: Message): GivenCredentials {
  const secrets = activeSecrets(auth.secrets, message.sentAt)
  const [newest] = secrets
  if (newest === undefined)
    return { ok: false, message: 'none of the secrets in the auth of the destination is active' }
  if (auth.kind === 'header') return given([[auth.header.toLowerCase(), newest]])
  if (auth.kind === 'hmac') return given(hmacHeaders(auth, newest, message))
  return given(standardHeaders(secrets, message))
}

function given(headers: Credentials['headers']): Credentials {
  return { ok: true, headers }
}

/** RFC 7617 with the UTF-8 charset. */
function basicPair({ username, password }: Extract<Auth, { kind: 'basic' }>): string {
  return Buffer.from(`${username}:${password}`).toString('base64')
}
