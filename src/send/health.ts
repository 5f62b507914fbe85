import type { Health } from '../ledger/ledger.ts'
import type { Reason, Verdict } from './verdict.ts'

/** Whatever would have been sent would have failed too. */
export const ILL_REASONS = [
  'dns',
  'connect',
  'tls',
  'timeout',
  'reset',
  'protocol',
  'busy',
  'server_error',
  'token_unavailable',
] as const satisfies Reason[]

/** Nothing came to the destination, for a reason of ours. */
const UNCLEAR_REASONS: readonly Reason[] = [
  'unsendable',
  'too_late',
  'blocked_address',
  'bad_url',
  'bad_request',
  'aborted',
  'closed',
  'own_server',
  'client_missing',
]

/** What an attempt says about its destination. One that refuses a payload is well. */
export function healthAfter({ reason }: Verdict): Health {
  if ((ILL_REASONS as readonly Reason[]).includes(reason)) return 'ill'
  return UNCLEAR_REASONS.includes(reason) ? 'unclear' : 'well'
}
