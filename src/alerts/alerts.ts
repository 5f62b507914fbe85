/**
 * What is wrong, and who is told? Conditions that the clock asks, incidents of which each is told once when it begins
 * and once when it is over, and the channels on which that is told.
 */
import type { Integrations } from '../integrations/integrations.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { SoughtText } from '../payload/sought-text.ts'
import { newId } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
import type { Sealer } from '../platform/sealing.ts'
import type { Witness } from '../platform/witness.ts'
import { assess } from './assess.ts'
import { type ChannelConfig, channelConfigSchema, keepChannelSecrets, maskChannel } from './channel-config.ts'
import {
  type Channel,
  type ChannelStanding,
  deleteChannel,
  findChannel,
  findChannels,
  findStandings,
  interestFields,
  saveChannel,
} from './channels.ts'
import type { JournalStanding, LedgerQuestions } from './condition.ts'
import { CONDITION_NAMES, CONDITIONS, whenSchema } from './conditions/conditions.ts'
import { createEdgeJournal, type EdgeJournal, type EdgeJournalOptions } from './edge-journal.ts'
import { eraseContent } from './erase.ts'
import { createFailedAttempts, type FailedAttempt } from './failed-attempts.ts'
import {
  countOpenIncidents,
  findIncident,
  findIncidents,
  type Incident,
  type IncidentFilter,
  type IncidentMessage,
  readIncident,
} from './incidents.ts'
import type { Told } from './notice.ts'
import { deleteRule, findRules, type Rule, saveRule, type WantedRule } from './rules.ts'
import { sendMessages } from './send-messages.ts'
import { tell } from './ways/ways.ts'
import { testNotice } from './wording.ts'

export {
  type Channel,
  type ChannelConfig,
  type ChannelStanding,
  CONDITION_NAMES,
  CONDITIONS,
  channelConfigSchema,
  type EdgeJournal,
  type FailedAttempt,
  type Incident,
  type IncidentFilter,
  type IncidentMessage,
  interestFields,
  type JournalStanding,
  keepChannelSecrets,
  type LedgerQuestions,
  maskChannel,
  type Rule,
  type Told,
  whenSchema,
}

export type Alerts = ReturnType<typeof createAlerts>

export interface AlertsOptions {
  sql: Sql
  sealer: Sealer
  ledger: LedgerQuestions
  integrations: Integrations
  outbound: Pick<Outbound, 'request' | 'connect'>
  /** What is over and comes back within it is one incident. */
  calmMs: number
  /** Before a message that failed is tried again the first time. */
  retryMs: number
  now(): Date
  log: Log
}

export function createAlerts(options: AlertsOptions) {
  const { sql, sealer, integrations, outbound, log } = options
  const failedAttempts = createFailedAttempts({ sql, sealer, log })
  const sending = { ...options, names: integrations }

  async function changed<T>(saved: Promise<T>): Promise<T> {
    const result = await saved
    failedAttempts.forget()
    return result
  }

  return {
    /** Looks at everything once, unless another process is doing so. */
    assess: () => assess(options),
    /** For an edge: looks at its own journal, and tells of it although the database is away. */
    edgeJournal: (edge: Omit<EdgeJournalOptions, 'calmMs'>): EdgeJournal =>
      createEdgeJournal({ ...edge, calmMs: options.calmMs }, sending),
    /** Sends what is due. */
    sendMessages: (signal: AbortSignal) => sendMessages(sending, signal),
    /** For whoever attempts deliveries: tells the channels that ask for each failed attempt. Never rejects. */
    attemptFailed: (attempt: FailedAttempt) => failedAttempts.tell(attempt),
    /** Tells a channel that it works, at once and once. */
    test: (channel: Pick<Channel, 'name' | 'config'>, signal: AbortSignal): Promise<Told> =>
      tell(channel.config, testNotice(newId(), channel.name, options.now()), { outbound, signal }),

    channels: () => findChannels(sql, sealer, log),
    channel: (id: string) => findChannel(sql, sealer, id),
    /** False when it was changed or deleted since the revision that is named. */
    saveChannel: (channel: Omit<Channel, 'revision'>, seen?: string, witness?: Witness) =>
      changed(saveChannel(sql, sealer, channel, { seen, witness })),
    deleteChannel: (id: string, witness?: Witness) => changed(deleteChannel(sql, sealer, id, witness)),
    channelStandings: (ids: readonly string[]) => findStandings(sql, ids),

    rules: () => findRules(sql, log),
    /**
     * `taken` when there is another rule of this condition for the same thing, `stale` when it was changed or deleted
     * since the revision that is named.
     */
    saveRule: (rule: WantedRule, seen?: string, witness?: Witness) => saveRule(sql, rule, { seen, witness }),
    deleteRule: (id: string, witness?: Witness) => deleteRule(sql, id, witness),

    findIncidents: (filter: IncidentFilter) => findIncidents(sql, filter),
    /** With what was told of it; where an application is named, on its own channels alone. */
    findIncident: (id: string, ofApplication?: string) => findIncident(sql, id, ofApplication),
    applicationOfIncident: async (id: string) => (await readIncident(sql, id))?.applicationId,
    /** Erases what was told of these events, or with this text. */
    eraseContent: (eventIds: readonly string[], sought: SoughtText) => eraseContent(sql, eventIds, sought),
    /** By condition; one without any is absent. */
    countOpenIncidents: () => countOpenIncidents(sql),
  }
}
