import type { Answer, FailureReason, Unanswered } from '../outbound/outbound.ts'
import { readRetryAfter } from './retry-after.ts'

/** Every reason an attempt can end with, beside those of the network. The list is closed. */
export type VerdictReason =
  | FailureReason
  | 'success'
  /** No request can be built from the item: a missing field, a name that XML does not allow. */
  | 'unsendable'
  /** A success status that this destination's `success` does not list. */
  | 'other_success'
  | 'redirect'
  | 'bad_payload'
  | 'unauthorized'
  | 'not_found'
  | 'not_allowed'
  | 'payload_too_large'
  | 'busy'
  | 'server_error'
  /** Any other 4xx: it may be of the moment (409, 423), so it is tried again. */
  | 'refused'
  /** The token URL could not be asked, or did not answer with a token. */
  | 'token_unavailable'
  /** The token URL does not accept the credentials. */
  | 'token_refused'

export type Verdict =
  | { verdict: 'delivered'; reason: 'success'; message: string }
  | { verdict: 'retry'; reason: VerdictReason; message: string; retryAfterMs?: number }
  | { verdict: 'dead'; reason: VerdictReason; message: string }

/** A failure of the network, a single status, or all of a hundred: `4xx`. */
type Listed = readonly (number | string)[]

export interface VerdictPolicy {
  /** What counts as delivered, */
  success: Listed
  /** is tried again, or */
  retryOn: Listed
  /** ends at once, whatever the default says. A single status goes before its hundred. */
  deadOn: Listed
  /** Longer waits that it asks for are cut to this. */
  retryAfterMaxMs: number
  now: Date
  /** Who answered, as sentences call it. */
  who?: string | undefined
}

/** Failures that the same request will always meet again. */
const FINAL_FAILURES = new Set<FailureReason>(['blocked_address', 'bad_url', 'bad_request'])

/** Statuses that end a delivery at once: the same request will get the same answer until somebody acts. */
const FINAL_STATUSES: Record<number, { reason: VerdictReason; advice: string }> = {
  400: { reason: 'bad_payload', advice: 'it cannot read what is sent; check mapping and format' },
  401: {
    reason: 'unauthorized',
    advice: 'it does not accept our credentials; check the auth of {who}',
  },
  403: { reason: 'unauthorized', advice: 'it forbids this; check the auth and the rights behind it' },
  404: { reason: 'not_found', advice: 'nothing is at this address; check the URL of {who}' },
  405: {
    reason: 'not_allowed',
    advice: 'it does not take this method at this address; check method and URL',
  },
  410: { reason: 'not_found', advice: 'what was at this address is gone for good; check the URL' },
  413: {
    reason: 'payload_too_large',
    advice: 'the body is too large for it; send less or in smaller batches',
  },
  414: { reason: 'payload_too_large', advice: 'the URL is too long for it; put fewer fields into it' },
  415: {
    reason: 'bad_payload',
    advice: 'it does not take this content type; check the format of {who}',
  },
  422: {
    reason: 'bad_payload',
    advice: 'it understands the body and finds its content wrong; check the mapping',
  },
}

/** What follows from the answer of a destination. */
export function verdict(answer: Answer, policy: VerdictPolicy): Verdict {
  if (!answer.ok) return verdictOnFailure(answer, policy)
  const { status, headers } = answer
  const { who = 'the destination' } = policy
  const list = listOf(status, policy)
  if (list === 'success')
    return { verdict: 'delivered', reason: 'success', message: `${who} answered ${status}` }
  const finding = findingOf(status, headers, who)
  if (isFinal(finding, list)) return { verdict: 'dead', ...told(finding, list) }
  const wished = readRetryAfter(headerOf(headers, 'retry-after'), policy.now)
  return {
    verdict: 'retry',
    ...told(finding, list),
    ...(wished === undefined ? {} : { retryAfterMs: Math.min(wished, policy.retryAfterMaxMs) }),
  }
}

type List = 'success' | 'retryOn' | 'deadOn'

interface Finding {
  reason: VerdictReason
  message: string
  final: boolean
}

function verdictOnFailure({ reason, message }: Unanswered, policy: VerdictPolicy): Verdict {
  const finding = { reason, message, final: FINAL_FAILURES.has(reason) }
  const list = LISTS.find((name) => policy[name].includes(reason))
  return isFinal(finding, list)
    ? { verdict: 'dead', ...told(finding, list) }
    : { verdict: 'retry', ...told(finding, list) }
}

const LISTS = ['success', 'retryOn', 'deadOn'] as const satisfies readonly List[]

function listOf(status: number, policy: VerdictPolicy): List | undefined {
  const hundred = `${Math.floor(status / 100)}xx`
  return (
    LISTS.find((name) => policy[name].includes(status)) ??
    LISTS.find((name) => policy[name].includes(hundred))
  )
}

function isFinal({ final }: Finding, list: List | undefined): boolean {
  return list === undefined ? final : list === 'deadOn'
}

/** Where the operator's own list decided otherwise than the default, the sentence says so. */
function told({ reason, message, final }: Finding, list: List | undefined) {
  const changed = list !== undefined && final !== (list === 'deadOn')
  return { reason, message: changed ? `${message} (its "${list}" lists this)` : message }
}

type Headers = readonly (readonly [name: string, value: string])[]

function findingOf(status: number, headers: Headers, who: string): Finding {
  const known = FINAL_STATUSES[status]
  if (known) {
    const message = `${who} answered ${status}: ${known.advice.replace('{who}', who)}`
    return { reason: known.reason, message, final: true }
  }
  if (status < 300) {
    const message = `${who} answered ${status}, which its "success" does not list`
    return { reason: 'other_success', message, final: true }
  }
  if (status < 400) {
    const location = headerOf(headers, 'location')
    const where = location ? ` to ${location.slice(0, 500)}` : ''
    const message = `${who} answered ${status}, a redirect${where}, and redirects are not followed`
    return { reason: 'redirect', message: `${message}; put the final address into its URL`, final: true }
  }
  const busy = status === 408 || status === 425 || status === 429
  const reason = busy ? 'busy' : status >= 500 ? 'server_error' : 'refused'
  return { reason, message: `${who} answered ${status}`, final: false }
}

function headerOf(headers: Headers, wanted: string): string | undefined {
  return headers.find(([name]) => name === wanted)?.[1]
}
