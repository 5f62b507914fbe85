import { type Hidden, maskHeaders, maskText, maskUrl } from '../http-request/http-request.ts'
import type { DestinationConfig } from '../integrations/integrations.ts'
import type { AttemptRecord } from '../ledger/ledger.ts'
import type { Answer, Timing } from '../outbound/outbound.ts'
import { type Redaction, SHOWN } from '../payload/redaction.ts'
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
  /** Takes out what is redacted of what was sent, also where an answer echoes it. */
  redaction?: Redaction
}

/** What is kept of an attempt: no secret of the destination is in it, not even where an answer echoes one. */
export function describeAttempt(facts: AttemptFacts): AttemptRecord {
  const { id, startedAt, request, answer, verdict, responseBytesMax, redaction = SHOWN } = facts
  const { hidden } = request
  const answered = answer?.ok ? answer : undefined
  const shownHeaders = (headers: AttemptFacts['request']['headers']) =>
    maskHeaders(headers, hidden).map(([name, value]): [string, string] => [name, redaction.text(value)])
  return {
    id,
    startedAt,
    request: {
      method: request.method,
      url: redaction.text(maskUrl(request.url, hidden)),
      headers: shownHeaders(request.headers),
    },
    verdict: verdict.verdict,
    reason: reasonOf(verdict, hidden, redaction),
    status: answer?.status ?? null,
    responseHeaders: answered ? shownHeaders(answered.headers) : null,
    responseBody: answered ? maskedBody(answered.body, hidden, redaction, responseBytesMax) : null,
    timing: answer ? reached(answer.timing) : {},
  }
}

/** A verdict as it is kept. */
export function reasonOf({ reason, message }: Verdict, hidden: Hidden, redaction: Redaction): string {
  return `${reason}: ${redaction.text(maskText(message, hidden))}`
}

/** Only HTTP has bodies of a length that the other side chooses. */
export function responseBytesMaxOf(config: DestinationConfig | undefined): number {
  return config?.kind === 'http' ? config.responseBytesMax : LINE_BYTES_MAX
}

const LINE_BYTES_MAX = 2_000

/** Bytes as they came, and decoded only when there is something to hide in them. */
function maskedBody(body: Buffer, hidden: Hidden, redaction: Redaction, bytesMax: number): Buffer {
  const text = body.toString('latin1')
  const secrets = hidden.texts.flatMap((secret) => [secret, Buffer.from(secret).toString('latin1')])
  const masked = maskText(text, { names: [], texts: secrets })
  // Masking comes before cutting: half a secret at the end would not be found.
  return redaction.bytes(masked === text ? body : Buffer.from(masked, 'latin1')).subarray(0, bytesMax)
}

/** Milliseconds of the steps that were taken, to a tenth. */
function reached(timing: Timing): Record<string, number> {
  const steps = Object.entries(timing).filter((step): step is [string, number] => step[1] !== null)
  return Object.fromEntries(steps.map(([step, ms]) => [step, Math.round(ms * 10) / 10]))
}
