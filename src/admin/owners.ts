import type { Alerts } from '../alerts/alerts.ts'
import type { Integrations } from '../integrations/integrations.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Owned } from './access.ts'
import { type FindOwner, SHARED } from './guard.ts'
import type { Keys } from './keys.ts'
import { applicationOfRule } from './resources/alert-rules.ts'

export interface OwnersOptions {
  integrations: Integrations
  ledger: Pick<Ledger, 'applicationOf'>
  alerts: Pick<Alerts, 'channel' | 'rules' | 'applicationOfIncident'>
  keys: Pick<Keys, 'find'>
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Says whose a thing is. What belongs to no application (a channel for all, a key for all) is nobody's. */
export function createFindOwner({ integrations, ledger, alerts, keys }: OwnersOptions): FindOwner {
  const owners: Record<
    Owned,
    (id: string) => string | null | undefined | Promise<string | null | undefined>
  > = {
    application: (id) => integrations.application(id)?.id,
    integration: (id) => integrations.integration(id)?.applicationId,
    destination: (id) => integrations.destination(id)?.applicationId,
    'rewrite function': (id) => {
      const found = integrations.rewriteFunctions().find((known) => known.id === id)
      return found && (found.applicationId ?? SHARED)
    },
    'alert channel': whereUuid(async (id) => (await alerts.channel(id))?.applicationId),
    'alert rule': async (id) => {
      const found = (await alerts.rules()).find((known) => known.id === id)
      return found && applicationOfRule(found, integrations)
    },
    event: ofLedger('events'),
    delivery: ofLedger('deliveries'),
    'dead letter': async (id) => (await ofLedger('deliveries')(id)) ?? (await ofLedger('runs')(id)),
    replay: ofLedger('replays'),
    erasure: ofLedger('erasures'),
    incident: whereUuid((id) => alerts.applicationOfIncident(id)),
    'API key': whereUuid(async (id) => (await keys.find(id))?.applicationId),
  }

  function ofLedger(table: Parameters<Ledger['applicationOf']>[0]) {
    return whereUuid((id) => ledger.applicationOf(table, id))
  }

  return async (of, id) => (await owners[of](id)) ?? undefined
}

/** Anything else is the id of nothing, and no question for the database. */
function whereUuid<T>(find: (id: string) => Promise<T>) {
  return async (id: string): Promise<T | undefined> => (UUID.test(id) ? find(id) : undefined)
}
