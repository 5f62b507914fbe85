import { type HttpRequestConfig, handWrittenSecrets } from '../integrations/integrations.ts'
import type { OutboundRequest } from '../outbound/outbound.ts'
import type { Json } from '../payload/exact-json.ts'
import { credentialsOf, hiddenOf, queryOf } from './auth.ts'
import { type WrittenBody, writeBody } from './body.ts'
import type { Hidden } from './mask.ts'
import { renderAddress, renderHeaders, renderOwnBody } from './templates.ts'
import type { Verdict } from './verdict.ts'

/** What a request has beside what its config says. */
export interface RequestFacts {
  /** Of what is sent, the same for each attempt: part of a signature. */
  id: string
  sentAt: Date
  /** Headers of every such request; those of the config replace `user-agent`. */
  headers: readonly (readonly [name: string, value: string])[]
  /** What is sent instead of what the config makes of the item. */
  body?: GivenBody | undefined
}

export interface GivenBody {
  body: Buffer | string
  /** Null where nobody knows. */
  contentType: string | null
}

/** What of a request is shown, also when it was not sent. */
export type ShownRequest = Pick<OutboundRequest, 'method' | 'url' | 'headers' | 'body'>

/** `hidden` is what must be masked wherever the request is shown. */
export type BuiltRequest =
  | { ok: true; request: OutboundRequest; hidden: Hidden }
  | { ok: false; verdict: Verdict; request: ShownRequest; hidden: Hidden }

/** Longer than any TCP and TLS handshake with a healthy host; shorter when the whole attempt has less. */
const CONNECT_MS_MAX = 10_000

/**
 * The request that brings an item to where the config says. GET and DELETE carry the item in their address and headers
 * only; HTTP gives a body of theirs no meaning.
 *
 * @param item what is sent; its fields are those of the templates in address, headers and body
 * @param token what OAuth2 gave for this request
 * @returns the request, or a verdict when this item can never be sent there.
 */
export function buildRequest(
  config: HttpRequestConfig,
  item: Json,
  facts: RequestFacts & { responseBytesMax: number },
  token?: string,
): BuiltRequest {
  const { method, auth, timeoutMs, clientCertificate } = config
  const { names, texts } = hiddenOf(auth, token)
  const hidden = { names, texts: [...texts, ...handWrittenSecrets(config)] }
  const unsendable = (message: string): BuiltRequest => {
    const request = { method, url: config.url, headers: [] }
    return { ok: false, verdict: { verdict: 'dead', reason: 'unsendable', message }, request, hidden }
  }
  const address = renderAddress(config, item)
  if (!address.ok) return unsendable(address.message)
  const chosen = renderHeaders(config, item)
  if (!chosen.ok) return unsendable(chosen.message)
  const written = facts.body ? { ok: true as const, ...facts.body } : bodyOf(config, item)
  if (written && !written.ok) return unsendable(written.message)
  const url = withQuery(address.text, queryOf(auth))
  const message = { id: facts.id, method, url, body: written?.body ?? '', sentAt: facts.sentAt }
  const credentials = credentialsOf(auth, message, token)
  if (!credentials.ok) return unsendable(credentials.message)
  const request: OutboundRequest = {
    method,
    url,
    headers: headersOf(facts, written?.contentType, [...chosen.headers, ...credentials.headers]),
    timeoutMs: { connect: Math.min(CONNECT_MS_MAX, timeoutMs), total: timeoutMs },
    responseBytesMax: facts.responseBytesMax,
    ...(written && { body: written.body }),
    ...(clientCertificate && { clientCertificate }),
  }
  return { ok: true, request, hidden }
}

function bodyOf(config: HttpRequestConfig, item: Json): WrittenBody | undefined {
  if (config.method === 'GET' || config.method === 'DELETE') return undefined
  const { format, xmlRoot } = config
  // What was never received, such as a test, has no original.
  return (
    renderOwnBody(config, item) ??
    writeBody(item, { format: format === 'original' ? 'json' : format, xmlRoot })
  )
}

/** Appended as text: reading the query and writing it again would change how its other fields are encoded. */
function withQuery(url: string, query: [name: string, value: string][]): string {
  const pairs = query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  if (pairs.length === 0) return url
  return `${url}${url.includes('?') ? '&' : '?'}${pairs.join('&')}`
}

/** The operator's headers replace `content-type` and `user-agent`; the config has none of the other names. */
function headersOf(
  { headers: own }: RequestFacts,
  contentType: string | null | undefined,
  others: [name: string, value: string][],
): [name: string, value: string][] {
  const headers = new Map(own)
  if (contentType) headers.set('content-type', contentType)
  for (const [name, value] of others) headers.set(name, value)
  return [...headers]
}
