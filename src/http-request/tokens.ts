import { createHash } from 'node:crypto'
import type { Outbound } from '../outbound/outbound.ts'
import { type OAuth2, requestToken, type TokenAnswer } from './token-request.ts'
import type { Verdict } from './verdict.ts'

export interface TokenWish {
  /** Whose tokens these are: a destination, or a node of an integration. */
  id: string
  auth: OAuth2
  /** Ends the wait, not the request: others wait for the same token. */
  signal: AbortSignal
}

/** `kept`: it was there before, so that the destination may have ended it meanwhile. */
export type TokenOutcome = { ok: true; token: string; kept: boolean } | { ok: false; verdict: Verdict }

/** OAuth2 tokens, kept in memory for as long as they hold. One is asked for at a time, per holder. */
export interface Tokens {
  take(wish: TokenWish): Promise<TokenOutcome>
  /** Another one than that which was refused. */
  replace(wish: TokenWish, refused: string): Promise<TokenOutcome>
}

export interface TokensOptions {
  outbound: Outbound
  /** Monotonic milliseconds. */
  monotonicMs?: () => number
  now?: () => Date
}

interface Kept {
  /** Tokens are those of a whole auth: a change of it leaves them behind. */
  fingerprint: string
  token: { text: string; renewAt: number; endsAt: number } | undefined
  /** So that a token URL that refuses is not asked by every delivery that waits. */
  failure: { verdict: Verdict; until: number } | undefined
  underWay: Promise<TokenAnswer> | undefined
}

/** For a request that takes its time, and for clocks that differ. */
const MARGIN_MS_MAX = 60_000
const FAILURE_KEPT_MS = 2_000
/** A token URL that asks for more patience gets it from each delivery's own retry. */
const FAILURE_KEPT_MS_MAX = 60_000
const HOLDERS_MAX = 10_000

/** Never rejects, and never holds a delivery longer than its own signal. */
export function createTokens(options: TokensOptions): Tokens {
  const { outbound, monotonicMs = () => performance.now(), now = () => new Date() } = options
  const all = new Map<string, Kept>()

  return {
    async take(wish) {
      const kept = stateOf(wish)
      const { token } = kept
      if (token === undefined || token.endsAt <= monotonicMs()) return asked(kept, wish)
      // Early enough that nobody has to wait: this token still holds, and the next delivery finds the new one.
      if (token.renewAt <= monotonicMs() && !failureOf(kept)) void ask(kept, wish.auth)
      return { ok: true, token: token.text, kept: true }
    },
    async replace(wish, refused) {
      const kept = stateOf(wish)
      const { token } = kept
      // Another delivery may have been told the same, and have brought a new one already.
      if (token !== undefined && token.text !== refused) return { ok: true, token: token.text, kept: true }
      kept.token = undefined
      return asked(kept, wish)
    },
  }

  function stateOf({ id, auth }: TokenWish): Kept {
    const fingerprint = createHash('sha256').update(JSON.stringify(auth)).digest('base64')
    const known = all.get(id)
    if (known?.fingerprint === fingerprint) return known
    const fresh: Kept = { fingerprint, token: undefined, failure: undefined, underWay: undefined }
    all.delete(id)
    const oldest = all.keys().next().value
    if (all.size >= HOLDERS_MAX && oldest !== undefined) all.delete(oldest)
    all.set(id, fresh)
    return fresh
  }

  async function asked(kept: Kept, { auth, signal }: TokenWish): Promise<TokenOutcome> {
    const failure = failureOf(kept)
    if (failure) return { ok: false, verdict: failure }
    const answer = await orEnd(ask(kept, auth), signal)
    if (answer === 'ended') return { ok: false, verdict: TOO_LATE }
    return answer.ok ? { ok: true, token: answer.token, kept: false } : answer
  }

  function failureOf({ failure }: Kept): Verdict | undefined {
    return failure !== undefined && failure.until > monotonicMs() ? failure.verdict : undefined
  }

  function ask(kept: Kept, auth: OAuth2): Promise<TokenAnswer> {
    kept.underWay ??= bring(kept, auth).finally(() => {
      kept.underWay = undefined
    })
    return kept.underWay
  }

  async function bring(kept: Kept, auth: OAuth2): Promise<TokenAnswer> {
    const askedAt = monotonicMs()
    const answer = await requestToken(auth, outbound, now)
    if (answer.ok) {
      const marginMs = Math.min(MARGIN_MS_MAX, answer.lifeMs / 5)
      const endsAt = askedAt + answer.lifeMs - marginMs / 4
      kept.token = { text: answer.token, renewAt: askedAt + answer.lifeMs - marginMs, endsAt }
      kept.failure = undefined
    } else {
      kept.failure = { verdict: answer.verdict, until: monotonicMs() + patienceMs(answer.verdict) }
    }
    return answer
  }
}

function patienceMs(judged: Verdict): number {
  const wishedMs = judged.verdict === 'retry' ? (judged.retryAfterMs ?? 0) : 0
  return Math.min(FAILURE_KEPT_MS_MAX, Math.max(FAILURE_KEPT_MS, wishedMs))
}

const TOO_LATE: Verdict = {
  verdict: 'retry',
  reason: 'token_unavailable',
  message: 'the token URL did not answer within the time of the attempt',
}

async function orEnd<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | 'ended'> {
  if (signal.aborted) return 'ended'
  const { promise: end, resolve } = Promise.withResolvers<'ended'>()
  const onAbort = () => resolve('ended')
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, end])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
