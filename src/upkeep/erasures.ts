import type { Alerts } from '../alerts/alerts.ts'
import type { Integrations } from '../integrations/integrations.ts'
import type { ErasureFacts, KeptFor, Ledger } from '../ledger/ledger.ts'
import { seek } from '../payload/sought-text.ts'
import type { Log } from '../platform/log.ts'
import type { Sealer } from '../platform/sealing.ts'

export interface ErasuresOptions {
  ledger: Pick<Ledger, 'eraseDue' | 'workOffErasure'>
  integrations: Pick<Integrations, 'integration'>
  alerts: Pick<Alerts, 'eraseContent'>
  sealer: Pick<Sealer, 'open'>
  now(): Date
  log: Log
}

/** Gives a chore that works off the searches for one person's data, and their deletion. */
export function createErasureWork({ ledger, alerts, sealer }: ErasuresOptions, signal: AbortSignal) {
  const facts: ErasureFacts = {
    seek: (id, sealed, partsOfWords) => seek(sealer.open(sealed, `erasure:${id}`), partsOfWords),
    eraseElsewhere: alerts.eraseContent,
  }
  return async (): Promise<void> => {
    while (!signal.aborted && (await ledger.workOffErasure(facts)));
  }
}

/** Gives a chore that erases what integrations keep for a shorter time than the rest. */
export function createDueErasing({ ledger, integrations, now, log }: ErasuresOptions, signal: AbortSignal) {
  const keptFor = (integrationId: string): KeptFor => {
    const definition = integrations.integration(integrationId)?.definition
    // Nothing more is done with what came for an integration that is gone.
    if (!definition) return { fieldsHours: 0, contentDays: null }
    return { fieldsHours: definition.redact?.eraseAfterHours ?? null, contentDays: definition.contentDays }
  }
  return async (): Promise<void> => {
    const events = await ledger.eraseDue(keptFor, now(), signal)
    if (events > 0) log.info({ events }, 'erased what was kept long enough')
  }
}
