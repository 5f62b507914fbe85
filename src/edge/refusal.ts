/**
 * Every way to be refused, once: reason → status → sentence → whether trying again may help. The reply, the log,
 * the metric, the API and the README speak of a refusal by these names.
 */
export const REFUSALS = {
  not_allowed: refusal(403, "This domain/IP ({detail}) isn't authorized on {service}", false),
  address_undecided: refusal(503, 'The domain of this IP ({detail}) could not be looked up in time', true),
  malformed_address: refusal(400, 'The source address cannot be read: {detail}', false),
  no_webhook_address: refusal(404, 'Webhooks are sent to /integration/<id>', false),
  unknown_integration: refusal(404, 'There is no such integration', false),
  application_disabled: refusal(403, 'Webhooks are disabled for this application', false),
  integration_disabled: refusal(403, 'This integration is disabled', false),
  method_not_allowed: refusal(405, 'Webhooks are sent with POST', false),
  rate_limited: refusal(429, 'Too many requests for this integration', true),
  too_many_connections: refusal(429, 'Too many connections from this address', true),
  not_http: refusal(400, 'This is not an HTTP request', false),
  headers_too_large: refusal(431, 'The headers are larger than {detail} bytes', false),
  body_too_large: refusal(413, 'The body is larger than {detail}', false),
  too_slow: refusal(408, 'The request did not arrive in time', true),
  broken_off: refusal(400, 'The request broke off before its end', true),
  unproven: refusal(401, 'The proof of the sender is missing or wrong', false),
  key_unavailable: refusal(503, 'The key to check the sender with cannot be had at the moment', true),
  wrong_certificate: refusal(403, 'The client certificate is missing or is not the one agreed on', false),
  not_awaited: refusal(403, 'This integration does not wait for a handshake', false),
  unsupported_media_type: refusal(415, 'This content cannot be read: {detail}', false),
  unsupported_encoding: refusal(415, 'This Content-Encoding cannot be undone: {detail}', false),
  empty_body: refusal(400, 'The body is empty', false),
  unreadable: refusal(400, 'The body cannot be read: {detail}', false),
  too_complex: refusal(400, 'The body is too complex: {detail}', false),
  not_stored: refusal(503, 'The event cannot be stored at the moment', true),
  defect: refusal(500, 'An internal error occurred', true),
} as const satisfies Record<string, RefusalRow>

export type RefusalReason = keyof typeof REFUSALS

interface RefusalRow {
  status: number
  /** `{detail}` and `{service}` are filled in. */
  sentence: string
  /** Sent with Retry-After, so that a sender who can wait does. */
  tryAgain: boolean
}

export const RETRY_AFTER_SECONDS = 10

/** A step's way to end a request: the sender is at fault, or must come again. */
export class Refusal extends Error {
  readonly reason: RefusalReason
  /** Told to the sender where the sentence has a place for it. */
  readonly detail: string
  /** Told to the operator only. */
  readonly note: string | null

  constructor(reason: RefusalReason, detail = '', note: string | null = null) {
    super(reason)
    this.name = 'Refusal'
    this.reason = reason
    this.detail = detail
    this.note = note
  }
}

export function sentenceOf(refusal: Refusal, serviceName: string): string {
  return REFUSALS[refusal.reason].sentence
    .replace('{service}', () => serviceName)
    .replace('{detail}', () => refusal.detail)
}

function refusal(status: number, sentence: string, tryAgain: boolean): RefusalRow {
  return { status, sentence, tryAgain }
}
