import type { Answer, FailureReason } from '../outbound/outbound.ts'
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

export type Verdict =
  | { verdict: 'delivered'; reason: 'success'; message: string }
  | { verdict: 'retry'; reason: VerdictReason; message: string; retryAfterMs?: number }
  | { verdict: 'dead'; reason: VerdictReason; message: string }

export interface VerdictPolicy {
  /** Statuses that count as delivered: `2xx` for all of these, or single ones. */
  success: readonly (number | '2xx')[]
  /** Longer waits that the destination asks for are cut to this. */
  retryAfterMaxMs: number
  now: Date
}

/** Failures that the same request will always meet again. */
const FINAL_FAILURES = new Set<FailureReason>(['blocked_address', 'bad_url', 'bad_request'])

/** Statuses that end a delivery at once: the same request will get the same answer until somebody acts. */
const FINAL_STATUSES: Record<number, { reason: VerdictReason; advice: string }> = {
  400: { reason: 'bad_payload', advice: 'it cannot read what is sent; check mapping and format' },
  401: {
    reason: 'unauthorized',
    advice: 'it does not accept our credentials; check the auth of the destination',
  },
  403: { reason: 'unauthorized', advice: 'it forbids this; check the auth and the rights behind it' },
  404: { reason: 'not_found', advice: 'nothing is at this address; check the URL of the destination' },
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
    advice: 'it does not take this content type; check the format of the destination',
  },
  422: {
    reason: 'bad_payload',
    advice: 'it understands the body and finds its content wrong; check the mapping',
  },
}

/** What follows from the answer of a destination. */
export function verdict(answer: Answer, policy: VerdictPolicy): Verdict {
  if (!answer.ok) {
    const { reason, message } = answer
    return { verdict: FINAL_FAILURES.has(reason) ? 'dead' : 'retry', reason, message }
  }
  const { status } = answer
  if (isSuccess(status, policy.success))
    return { verdict: 'delivered', reason: 'success', message: `the destination answered ${status}` }
  return finalVerdict(answer.status, answer.headers) ?? retryVerdict(status, answer.headers, policy)
}

function isSuccess(status: number, success: VerdictPolicy['success']): boolean {
  return success.some((one) => (one === '2xx' ? status >= 200 && status < 300 : one === status))
}

type Headers = readonly (readonly [name: string, value: string])[]

function finalVerdict(status: number, headers: Headers): Verdict | undefined {
  if (status < 300) {
    const message = `the destination answered ${status}, which its "success" does not list`
    return { verdict: 'dead', reason: 'other_success', message }
  }
  if (status < 400) {
    const location = headerOf(headers, 'location')
    const where = location ? ` to ${location.slice(0, 500)}` : ''
    const message = `the destination answered ${status}, a redirect${where}, and redirects are not followed`
    return { verdict: 'dead', reason: 'redirect', message: `${message}; put the final address into its URL` }
  }
  const final = FINAL_STATUSES[status]
  if (!final) return undefined
  return {
    verdict: 'dead',
    reason: final.reason,
    message: `the destination answered ${status}: ${final.advice}`,
  }
}

function retryVerdict(status: number, headers: Headers, policy: VerdictPolicy): Verdict {
  const wished = readRetryAfter(headerOf(headers, 'retry-after'), policy.now)
  const busy = status === 408 || status === 425 || status === 429
  return {
    verdict: 'retry',
    reason: busy ? 'busy' : status >= 500 ? 'server_error' : 'refused',
    message: `the destination answered ${status}`,
    ...(wished === undefined ? {} : { retryAfterMs: Math.min(wished, policy.retryAfterMaxMs) }),
  }
}

function headerOf(headers: Headers, wanted: string): string | undefined {
  return headers.find(([name]) => name === wanted)?.[1]
}
