import type { Integrations } from '../integrations/integrations.ts'
import type { Ledger, ReplayFacts, Unfinished } from '../ledger/ledger.ts'
import { newId } from '../platform/ids.ts'

export interface ReplaysOptions {
  ledger: Pick<Ledger, 'workOffReplay'>
  integrations: Pick<Integrations, 'integration' | 'destination'>
  /** Puts new runs into the queue. @throws when the queue is away: the sweep finds them. */
  requeue(work: Unfinished): Promise<void>
}

/** Gives a chore that works off what is due of the replays of many; every process does, one at a time each. */
export function createReplayWork({ ledger, integrations, requeue }: ReplaysOptions, signal: AbortSignal) {
  const facts: ReplayFacts = {
    newId,
    versionOf: (integrationId) => integrations.integration(integrationId)?.version,
    refusalOf(destinationId) {
      const destination = integrations.destination(destinationId)
      if (!destination) return 'its destination was deleted'
      return destination.enabled ? undefined : 'its destination is disabled'
    },
  }
  return async (): Promise<void> => {
    while (!signal.aborted) {
      const runIds = await ledger.workOffReplay(facts, signal)
      if (!runIds) return
      if (runIds.length > 0) await requeue({ runs: runIds.map((id) => ({ id, takes: 0 })), deliveries: [] })
    }
  }
}
