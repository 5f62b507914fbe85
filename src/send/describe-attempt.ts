import type { AttemptRecord } from '../ledger/ledger.ts'
import type { Answer, Timing } from '../outbound/outbound.ts'
import { type Hidden, maskHeaders, maskText, maskUrl } from './mask.ts'
import type { Verdict } from './verdict.ts'

/** Of an answer's body so much is kept with the attempt. */
export const KEPT_BODY_BYTES_MAX = 16_384

export interface AttemptFacts {
  id: string
  startedAt: Date
  request: {
    method: string
    url: string
    headers: readonly (readonly [name: string, value: string])[]
    hidden: Hidden
  }
  /** Undefined when nothing was sent, because no request could be built. */
  answer: Answer | undefined
  verdict: Verdict
}

/** What is kept of an attempt: no secret of the destination is in it, not even where an answer echoes one. */
export function describeAttempt({ id, startedAt, request, answer, verdict }: AttemptFacts): AttemptRecord {
  const { hidden } = request
  const answered = answer?.ok ? answer : undefined
  return {
    id,
    startedAt,
    request: {
      method: request.method,
      url: maskUrl(request.url, hidden),
      headers: maskHeaders(request.headers, hidden),
    },
    verdict: verdict.verdict,
    reason: `${verdict.reason}: ${maskText(verdict.message, hidden)}`,
    status: answer?.status ?? null,
    responseHeaders: answered ? maskHeaders(answered.headers, hidden) : null,
    responseBody: answered ? maskedBody(answered.body, hidden) : null,
    timing: answer ? reached(answer.timing) : {},
  }
}

/** Bytes as they came, and decoded only when there is something to hide in them. */
function maskedBody(body: Buffer, hidden: Hidden): Buffer {
  const text = body.toString('latin1')
  const secrets = hidden.texts.map((secret) => Buffer.from(secret).toString('latin1'))
  const masked = maskText(text, { names: [], texts: secrets })
  // Masking comes before cutting: half a secret at the end would not be found.
  return (masked === text ? body : Buffer.from(masked, 'latin1')).subarray(0, KEPT_BODY_BYTES_MAX)
}

/** Milliseconds of the steps that were taken, to a tenth. */
function reached(timing: Timing): Record<string, number> {
  const steps = Object.entries(timing).filter((step): step is [string, number] => step[1] !== null)
  return Object.fromEntries(steps.map(([step, ms]) => [step, Math.round(ms * 10) / 10]))
}
