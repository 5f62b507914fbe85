import type { VerdictReason } from '../http-request/http-request.ts'

/** Every reason an attempt can end with, whatever the kind of its destination. The list is closed. */
export type Reason =
  | VerdictReason
  /** The server is one that Sluice itself keeps its data on. */
  | 'own_server'
  /** The destination took the batch, and said no to this item of it. */
  | 'item_refused'
  /** The destination took the batch, and its results do not tell of this item. */
  | 'no_result'
  /** It was to be tried again, and its event has become too old for that meanwhile. */
  | 'too_late'
  /** The package that speaks with this kind of server is not installed. */
  | 'client_missing'
  /** The broker has no queue to which this leads. */
  | 'unroutable'

export type Verdict =
  | { verdict: 'delivered'; reason: 'success'; message: string }
  | { verdict: 'retry'; reason: Reason; message: string; retryAfterMs?: number }
  | { verdict: 'dead'; reason: Reason; message: string }
  /** Cut off by our own stop: it tells nothing of the destination. */
  | { verdict: 'interrupted'; reason: 'aborted'; message: string }
