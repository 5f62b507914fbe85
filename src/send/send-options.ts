import type { FailedAttempt } from '../alerts/alerts.ts'
import type { Integrations } from '../integrations/integrations.ts'
import type { Ledger, TakenDelivery } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Senders } from './kinds/kinds.ts'

export interface SendOptions {
  integrations: Pick<Integrations, 'findDestination' | 'isUnreadable'>
  ledger: Pick<
    Ledger,
    | 'takeDelivery'
    | 'standBack'
    | 'extendLease'
    | 'finishAttempt'
    | 'takeBatch'
    | 'extendLeases'
    | 'finishBatch'
    | 'giveBack'
    | 'findOriginal'
    | 'settleCircuit'
  >
  /** One for the process: what is kept is kept here. */
  senders: Senders
  places: Places
  /** Tells whoever wants to hear of each failed attempt; must not reject. */
  attemptFailed(attempt: FailedAttempt): Promise<void>
  metrics: Metrics
  log: Log
}

/** The places that destinations have in this worker; whoever keeps them also lets those go that wait. */
export interface Places {
  /** Destinations with none left. */
  full(): string[]
  /** Takes a place for as long as an attempt is under way; false when none is left. */
  begin(destinationId: string): boolean
  ended(taken: Pick<TakenDelivery, 'destinationId' | 'keyed'>): void
  /** A delivery to the destination waits for its turn again. */
  stoodBack(destinationId: string): void
  /** A delivery will be due then. */
  dueIn(delayMs: number): void
  /** The destination may take deliveries again, or no more. */
  wake(destinationId: string): void
}
