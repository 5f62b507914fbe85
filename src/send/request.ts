import type { DestinationConfig } from '../integrations/integrations.ts'
import type { OutboundRequest } from '../outbound/outbound.ts'
import type { Json } from '../payload/exact-json.ts'
import { type Credentials, credentialsOf } from './auth.ts'
import { writeBody } from './body.ts'
import { renderAddress, renderHeaders } from './destination-templates.ts'
import type { Hidden } from './mask.ts'
import type { Verdict } from './verdict.ts'

/** What a request says about its delivery. */
export interface DeliveryFacts {
  deliveryId: string
  /** Which attempt this is, from 1. */
  attempt: number
  /** Of this program. */
  version: string
}

/** `hidden` is what must be masked wherever the request is shown. */
export type BuiltRequest =
  | { ok: true; request: OutboundRequest; hidden: Hidden }
  | {
      ok: false
      verdict: Verdict
      request: Pick<OutboundRequest, 'method' | 'url' | 'headers'>
      hidden: Hidden
    }

/** Longer than any TCP and TLS handshake with a healthy host; shorter when the whole attempt has less. */
const CONNECT_MS_MAX = 10_000
/** Receivers of webhooks answer in a few bytes; what comes beyond this is not read. */
const RESPONSE_BYTES_MAX = 65_536

/**
 * The request that brings an item to its destination: the same for every attempt but for `sluice-attempt`, so that
 * the receiver can recognise what it has seen already by `idempotency-key` (also sent as `webhook-id`).
 *
 * GET and DELETE carry the item in their address and headers only; HTTP gives a body of theirs no meaning.
 *
 * @param item what is sent; its fields are those of the templates in address and headers
 * @returns the request, or a verdict when this item can never be sent there.
 */
export function buildRequest(config: DestinationConfig, item: Json, facts: DeliveryFacts): BuiltRequest {
  const credentials = credentialsOf(config.auth)
  const { hidden } = credentials
  const unsendable = (message: string): BuiltRequest => {
    const request = { method: config.method, url: config.url, headers: [] }
    return { ok: false, verdict: { verdict: 'dead', reason: 'unsendable', message }, request, hidden }
  }
  const address = renderAddress(config, item)
  if (!address.ok) return unsendable(address.message)
  const chosen = renderHeaders(config, item)
  if (!chosen.ok) return unsendable(chosen.message)
  const bodiless = config.method === 'GET' || config.method === 'DELETE'
  const written = bodiless ? undefined : writeBody(item, config)
  if (written && !written.ok) return unsendable(written.message)
  const request: OutboundRequest = {
    method: config.method,
    url: withQuery(address.text, credentials.query),
    headers: headersOf(facts, written?.contentType, chosen.headers, credentials),
    timeoutMs: { connect: Math.min(CONNECT_MS_MAX, config.timeoutMs), total: config.timeoutMs },
    responseBytesMax: RESPONSE_BYTES_MAX,
    ...(written ? { body: written.body } : {}),
  }
  return { ok: true, request, hidden }
}

/** Appended as text: reading the query and writing it again would change how its other fields are encoded. */
function withQuery(url: string, query: Credentials['query']): string {
  const pairs = query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  if (pairs.length === 0) return url
  return `${url}${url.includes('?') ? '&' : '?'}${pairs.join('&')}`
}

/** The operator's headers replace `content-type` and `user-agent`; the config has none of the other names. */
function headersOf(
  { deliveryId, attempt, version }: DeliveryFacts,
  contentType: string | undefined,
  chosen: [name: string, value: string][],
  credentials: Credentials,
): [name: string, value: string][] {
  const headers = new Map([
    ['user-agent', `Sluice/${version}`],
    ['idempotency-key', deliveryId],
    ['webhook-id', deliveryId],
    ['sluice-attempt', String(attempt)],
  ])
  if (contentType !== undefined) headers.set('content-type', contentType)
  for (const [name, value] of [...chosen, ...credentials.headers]) headers.set(name, value)
  return [...headers]
}
