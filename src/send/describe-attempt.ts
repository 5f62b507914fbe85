import { type Hidden, maskHeaders, maskText, maskUrl } from '../http-request/http-request.ts'
import type { DestinationConfig } from '../integrations/integrations.ts'
import type { AttemptRecord } from '../ledger/ledger.ts'
import type { Answer, Timing } from '../outbound/outbound.ts'
import type { KindAnswer } from './kinds/kind.ts'
import type { Verdict } from './verdict.ts'

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
  answer: Answer | KindAnswer | undefined
  verdict: Verdict
  /** Of an answer's body so much is kept. */
  responseBytesMax: number
}

/** What is kept of an attempt: no secret of the destination is in it, not even where an answer echoes one. */
export function describeAttempt(facts: AttemptFacts): AttemptRecord {
  const { id, startedAt, request, answer, verdict, responseBytesMax } = facts
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
    responseBody: answered ? maskedBody(answered.body, hidden, responseBytesMax) : null,
    timing: answer ? reached(answer.timing) : {},
  }
}

/** Only HTTP has bodies of a length that the other side chooses. */
export function responseBytesMaxOf(config: DestinationConfig | undefined): number {
  return config?.kind === 'http' ? config.responseBytesMax : LINE_BYTES_MAX
}

const LINE_BYTES_MAX = 2_000

/** Bytes as they came, and decoded only when there is something to hide in them. */
function maskedBody(body: Buffer, hidden: Hidden, bytesMax: number): Buffer {
  const text = body.toString('latin1')
  const secrets = hidden.texts.map((secret) => Buffer.from(secret).toString('latin1'))
  const masked = maskText(text, { names: [], texts: secrets })
  // Masking comes before cutting: half a secret at the end would not be found.
  return (masked === text ? body : Buffer.from(masked, 'latin1')).subarray(0, bytesMax)
}

/** Milliseconds of the steps that were taken, to a tenth. */
function reached(timing: Timing): Record<string, number> {
  const steps = Object.entries(timing).filter((step): step is [string, number] => step[1] !== null)
  return Object.fromEntries(steps.map(([step, ms]) => [step, Math.round(ms * 10) / 10]))
}
