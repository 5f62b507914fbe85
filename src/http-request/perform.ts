import type { HttpRequestConfig } from '../integrations/integrations.ts'
import type { Answer, Outbound } from '../outbound/outbound.ts'
import type { Json } from '../payload/exact-json.ts'
import { hiddenOf } from './auth.ts'
import type { Hidden } from './mask.ts'
import { type BuiltRequest, buildRequest, type RequestFacts, type ShownRequest } from './request.ts'
import type { TokenOutcome, Tokens, TokenWish } from './tokens.ts'
import { type Verdict, verdict } from './verdict.ts'

/** What is to be asked. */
export interface Wish {
  /** Whose tokens are used: the same for all requests of one destination or node. */
  id: string
  config: HttpRequestConfig
  /** As sentences call it; `the destination` unless given. */
  who?: string
  /** Longer waits that the other side asks for are cut to this. */
  retryAfterMaxMs: number
  /** So much of the answer's body is read. */
  responseBytesMax: number
}

export interface PerformOptions {
  outbound: Outbound
  tokens: Tokens
  signal: AbortSignal
}

/** What one request did. `answer` is undefined when nothing was sent. */
export interface Performed {
  request: ShownRequest & { hidden: Hidden }
  answer: Answer | undefined
  verdict: Verdict
}

/** Sends an item once, all of it within the time-out of the config. */
export async function performRequest(
  wish: Wish,
  item: Json,
  facts: RequestFacts,
  options: PerformOptions,
): Promise<Performed> {
  const { config } = wish
  const { auth } = config
  if (auth.kind !== 'oauth2') return sent(build(wish, item, facts), wish, options)
  const endsAt = performance.now() + config.timeoutMs
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(config.timeoutMs)])
  const tokenWish: TokenWish = { id: wish.id, auth, signal }
  const withToken = async (outcome: TokenOutcome): Promise<Performed> => {
    if (!outcome.ok) return withoutToken(wish, options.signal.aborted ? ABORTED : outcome.verdict)
    return sent(build(wish, item, facts, outcome.token), wish, options, endsAt - performance.now())
  }

  const first = await options.tokens.take(tokenWish)
  const performed = await withToken(first)
  if (!first.ok || !first.kept || !isUnauthorized(performed)) return performed
  // A kept token may have been ended before its time; only a new one tells whether we are welcome.
  const again = await withToken(await options.tokens.replace(tokenWish, first.token))
  if (!isUnauthorized(again)) return again
  return {
    ...again,
    verdict: { ...again.verdict, message: `${again.verdict.message}; a new token changed nothing` },
  }
}

/** Says nothing of the token URL. */
const ABORTED: Verdict = { verdict: 'retry', reason: 'aborted', message: 'given up by the caller' }

function build({ config, responseBytesMax }: Wish, item: Json, facts: RequestFacts, token?: string) {
  return buildRequest(config, item, { ...facts, responseBytesMax }, token)
}

async function sent(
  built: BuiltRequest,
  { config, who, retryAfterMaxMs }: Wish,
  { outbound, signal }: PerformOptions,
  leftMs = config.timeoutMs,
): Promise<Performed> {
  const request = { ...built.request, hidden: built.hidden }
  if (!built.ok) return { request, answer: undefined, verdict: built.verdict }
  const total = Math.max(1, Math.ceil(leftMs))
  const timeoutMs = { connect: Math.min(built.request.timeoutMs.connect, total), total }
  const answer = await outbound.request({ ...built.request, timeoutMs, signal })
  const policy = { ...config, who, retryAfterMaxMs, now: new Date() }
  return { request, answer, verdict: verdict(answer, policy) }
}

function withoutToken({ config, retryAfterMaxMs }: Wish, judged: Verdict): Performed {
  const hidden = hiddenOf(config.auth, undefined)
  const request = { method: config.method, url: config.url, headers: [], hidden }
  return { request, answer: undefined, verdict: capped(judged, retryAfterMaxMs) }
}

function capped(judged: Verdict, retryAfterMaxMs: number): Verdict {
  if (judged.verdict !== 'retry' || judged.retryAfterMs === undefined) return judged
  return { ...judged, retryAfterMs: Math.min(judged.retryAfterMs, retryAfterMaxMs) }
}

function isUnauthorized({ answer, verdict: judged }: Performed): boolean {
  return answer?.ok === true && answer.status === 401 && judged.verdict !== 'delivered'
}
