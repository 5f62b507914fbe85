import type { HttpRequestConfig } from '../integrations/integrations.ts'
import type { Answer, Answered, Outbound, OutboundRequest } from '../outbound/outbound.ts'
import { getKey, isObject, type Json, type JsonObject, parseExact } from '../payload/exact-json.ts'
import { hiddenOf } from './auth.ts'
import { maskText } from './mask.ts'
import { readRetryAfter } from './retry-after.ts'
import type { Verdict } from './verdict.ts'

export type OAuth2 = Extract<HttpRequestConfig['auth'], { kind: 'oauth2' }>

export interface GrantedToken {
  ok: true
  token: string
  /** From the moment it was asked for. */
  lifeMs: number
}

export type TokenAnswer = GrantedToken | { ok: false; verdict: Verdict }

const TIMEOUT_MS = { connect: 5_000, total: 10_000 }
const TOKEN_BYTES_MAX = 65_536
/** RFC 6749 lets a server leave the life of a token out; where it ends earlier, a 401 says so. */
const LIFE_MS_DEFAULT = 3_600_000
const LIFE_MS_MAX = 30 * 86_400_000

/** Errors that say nothing about the credentials, though they may come with a 400. */
const PASSING_ERRORS = new Set(['temporarily_unavailable', 'server_error', 'slow_down'])
const FINAL_STATUSES = new Set([400, 401, 403, 404, 405, 410])

/**
 * Asks for a token with client credentials. What the token URL refuses is final; where it cannot be asked or does not
 * answer with a token, the request may be tried again.
 *
 * Source: RFC 6749 sections 2.3.1, 4.4, 5.1 and 5.2.
 */
export async function requestToken(auth: OAuth2, outbound: Outbound, now: () => Date): Promise<TokenAnswer> {
  const answer = await outbound.request(tokenRequestOf(auth))
  if (!answer.ok) return notAsked(answer)
  const { status } = answer
  if (status === 200) return readToken(answer, auth)
  const error = errorIn(answer, auth)
  const said = `the token URL answered ${status}${error === '' ? '' : `: ${error}`}`
  const [code = ''] = error.split(' ', 1)
  if ((FINAL_STATUSES.has(status) && !PASSING_ERRORS.has(code)) || (status >= 300 && status < 400))
    return refused(`${said}; check token URL, client and scope in the auth of the destination`)
  const header = answer.headers.find(([name]) => name === 'retry-after')?.[1]
  return unavailable(said, readRetryAfter(header, now()))
}

function tokenRequestOf(auth: OAuth2): OutboundRequest {
  const { clientId, secret, scope, audience } = auth
  const fields = new URLSearchParams({ grant_type: 'client_credentials' })
  if (scope !== undefined) fields.set('scope', scope)
  if (audience !== undefined) fields.set('audience', audience)
  const headers: [string, string][] = [
    ['content-type', 'application/x-www-form-urlencoded'],
    ['accept', 'application/json'],
  ]
  if (auth.authentication === 'body') {
    fields.set('client_id', clientId)
    fields.set('client_secret', secret)
  } else {
    const pair = `${formEncoded(clientId)}:${formEncoded(secret)}`
    headers.push(['authorization', `Basic ${Buffer.from(pair).toString('base64')}`])
  }
  return {
    method: 'POST',
    url: auth.tokenUrl,
    headers,
    body: fields.toString(),
    timeoutMs: TIMEOUT_MS,
    responseBytesMax: TOKEN_BYTES_MAX,
  }
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

function notAsked({ reason, message }: Extract<Answer, { ok: false }>): TokenAnswer {
  const said = `the token URL could not be asked (${reason}): ${message}`
  const final = reason === 'blocked_address' || reason === 'bad_url' || reason === 'bad_request'
  return final ? refused(said) : unavailable(said)
}

function readToken(answer: Answered, auth: OAuth2): TokenAnswer {
  const fields = fieldsOf(answer)
  const token = fields && getKey(fields, 'access_token')
  if (fields === undefined || typeof token !== 'string' || token === '')
    return unavailable('the token URL answered 200, but with no access_token in JSON')
  // Whatever else it holds must not become part of a header.
  if (!/^[\u0021-\u007e]+$/.test(token))
    return unavailable('the token URL gave an access_token that no header can carry')
  const type = getKey(fields, 'token_type')
  if (type !== undefined && String(type).toLowerCase() !== 'bearer')
    return refused(
      `the token URL gives tokens of the type ${shownText(String(type), auth)}, and only Bearer is known`,
    )
  return { ok: true, token, lifeMs: lifeOf(getKey(fields, 'expires_in')) }
}

/** Some servers write the seconds as a text. */
function lifeOf(expiresIn: Json | undefined): number {
  if (expiresIn === undefined || expiresIn === null) return LIFE_MS_DEFAULT
  const seconds = Number(expiresIn)
  return Number.isFinite(seconds) ? Math.min(LIFE_MS_MAX, Math.max(0, seconds * 1_000)) : LIFE_MS_DEFAULT
}

/** `invalid_client (the secret has ended)`; empty where nothing can be read. */
function errorIn(answer: Answered, auth: OAuth2): string {
  const fields = fieldsOf(answer)
  const error = fields && getKey(fields, 'error')
  if (fields === undefined || typeof error !== 'string') return ''
  const description = getKey(fields, 'error_description')
  return shownText(typeof description === 'string' ? `${error} (${description})` : error, auth)
}

function fieldsOf({ body }: Answered): JsonObject | undefined {
  try {
    const read = parseExact(body.toString('utf8'))
    return isObject(read) ? read : undefined
  } catch {
    return undefined
  }
}

/** Masked first: what is left of a secret with other characters, or of its half at the end, would not be known again. */
function shownText(text: string, auth: OAuth2): string {
  return maskText(text, hiddenOf(auth, undefined))
    .replace(/[^\u0020-\u007e]/g, '?')
    .slice(0, 300)
}

function refused(message: string): TokenAnswer {
  return { ok: false, verdict: { verdict: 'dead', reason: 'token_refused', message } }
}

function unavailable(message: string, retryAfterMs?: number): TokenAnswer {
  const verdict: Verdict = { verdict: 'retry', reason: 'token_unavailable', message }
  if (retryAfterMs !== undefined) verdict.retryAfterMs = retryAfterMs
  return { ok: false, verdict }
}
