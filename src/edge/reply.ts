import type { Integration } from '../integrations/integrations.ts'
import { presetOf, type Reply } from '../sources/sources.ts'
import { REFUSALS, RETRY_AFTER_SECONDS, type Refusal, sentenceOf } from './refusal.ts'

export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

/** The answer to accepted events, in the language of their source. */
export function acceptance(integration: Integration): Answer {
  const { reply, source } = integration.definition
  return answerOf(reply ?? presetOf(source).replies.accepted)
}

export function answerOf({ status, contentType, body }: Reply): Answer {
  return { status, headers: contentType === undefined ? {} : { 'content-type': contentType }, body }
}

/**
 * A refusal in the language of the source; in one language for all where it is not known who is called, or the
 * caller is a stranger.
 */
export function wordRefusal(refusal: Refusal, serviceName: string, integration?: Integration): Answer {
  const replies = integration && presetOf(integration.definition.source).replies
  const { status, tryAgain } = REFUSALS[refusal.reason]
  const headers: Record<string, string> = {}
  if (tryAgain) headers['retry-after'] = String(RETRY_AFTER_SECONDS)
  if (status === 405) headers.allow = integration ? methodsOf(integration).join(', ') : 'POST'
  const said = tryAgain ? (integration?.definition.retryStatus ?? replies?.retryStatus ?? status) : status
  if (replies?.refused === 'nothing') return { status: said, headers, body: '' }
  headers['content-type'] = 'application/json'
  return {
    status: said,
    headers,
    body: JSON.stringify({ result: false, error: sentenceOf(refusal, serviceName) }),
  }
}

function methodsOf(integration: Integration): string[] {
  const { methods, handshakes } = presetOf(integration.definition.source)
  return [...new Set([...methods, ...handshakes.map(({ method }) => method)])]
}
