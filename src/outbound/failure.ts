import type { errors } from 'undici'
import type { FailureReason } from './answer.ts'
import { DialError } from './connect.ts'
import { ClosedError } from './connections.ts'
import type { Target } from './target.ts'

/** The caller's signal, or the total time-out: both end a request through one signal. */
export class Ended extends Error {
  readonly reason: 'timeout' | 'aborted'

  constructor(reason: 'timeout' | 'aborted', message: string) {
    super(message)
    this.name = 'Ended'
    this.reason = reason
  }
}

const BY_CODE: Record<string, FailureReason> = {
  UND_ERR_INVALID_ARG: 'bad_request',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'bad_request',
  UND_ERR_HEADERS_OVERFLOW: 'too_large',
  UND_ERR_DESTROYED: 'closed',
  UND_ERR_CLOSED: 'closed',
}

const SENTENCES: Partial<Record<FailureReason, string>> = {
  too_large: 'the headers of the answer are larger than the limit',
  closed: 'outgoing connections are closed',
  reset: 'the connection was closed before the answer was complete',
  protocol: 'what came back is not a valid HTTP/1.1 answer',
}

/** The reason and the sentence for whatever ended a request without an answer. */
export function failureOf(error: unknown, target: Target): { reason: FailureReason; message: string } {
  const reason = reasonOf(error)
  const detail = error instanceof Error ? error.message : String(error)
  const sentence = SENTENCES[reason]
  return {
    reason,
    message: `${target.host} port ${target.port}: ${sentence ? `${sentence} (${detail})` : detail}`,
  }
}

function reasonOf(error: unknown): FailureReason {
  if (error instanceof Ended) return error.reason
  if (error instanceof DialError) return error.step
  if (error instanceof ClosedError) return 'closed'
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (isCalled<errors.HTTPParserError>(error, 'HTTPParserError'))
    return /EOF/.test(error.message) ? 'reset' : 'protocol'
  // undici gives an unexpected 100 or 101 the code of a socket error, and only the text tells them apart.
  if (isCalled<errors.SocketError>(error, 'SocketError') && /^bad (response|upgrade)$/.test(error.message))
    return 'protocol'
  // With TLS 1.3 the other side refuses a client certificate only after the handshake.
  if (code.startsWith('ERR_SSL_')) return 'tls'
  return BY_CODE[code] ?? 'reset'
}

/** By its name, as its class is loaded only with the first request. */
function isCalled<Kind extends Error>(error: unknown, name: string): error is Kind {
  return error instanceof Error && error.name === name
}
