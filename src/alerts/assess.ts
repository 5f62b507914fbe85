import type { Destination, Integration, Integrations } from '../integrations/integrations.ts'
import { newId } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Sql, Transaction } from '../platform/postgres.ts'
import type { Sealer } from '../platform/sealing.ts'
import { type Channel, covers, findChannels } from './channels.ts'
import type { Condition, Finding, LedgerQuestions } from './condition.ts'
import { CONDITIONS } from './conditions/conditions.ts'
import { endIncidents, forgetIncidents, type Incident, type Seen, seeIncidents } from './incidents.ts'
import { findTold, forgetMessages, tellChannels } from './messages.ts'
import { findRules, type Rule, watchesOf } from './rules.ts'
import { cut } from './spoken.ts'

export interface AssessOptions {
  sql: Sql
  sealer: Sealer
  ledger: LedgerQuestions
  integrations: Pick<Integrations, 'integrations' | 'destinations' | 'integration' | 'findSecretUses'>
  /** What comes and goes within it stays one incident. */
  calmMs: number
  now(): Date
  log: Log
}

/** Any number; it only has to be the same in every process that assesses. */
const ASSESS_LOCK = 7_583_024
const KEPT_DAYS = 90
const FORGOTTEN_AT_ONCE = 1_000
const SENTENCE_CHARS_MAX = 1_000
/** An edge ends its own incidents; one that was not heard of for a week does not come back. */
const GONE_MS = 7 * 86_400_000
const OF_EDGES = [...CONDITIONS.values()].filter(({ about }) => about === 'edge').map(({ name }) => name)

/**
 * Asks every condition what is wrong now, opens and ends incidents, and puts the messages about them on their way in
 * the same transaction. One process at a time does so: another one's call then does nothing.
 */
export async function assess(options: AssessOptions): Promise<void> {
  const { sql, sealer, log } = options
  await sql.begin(async (transaction) => {
    const [turn] = await transaction<
      { ours: boolean }[]
    >`SELECT pg_try_advisory_xact_lock(${ASSESS_LOCK}) AS ours`
    if (!turn?.ours) return
    const [rules, channels] = [await findRules(sql, log), await findChannels(sql, sealer, log)]
    const looked = await look(rules, options.now(), options)
    await settle(transaction, looked, channels, options.calmMs)
  })
}

interface Looked {
  /** The conditions that could say what is wrong. */
  conditions: string[]
  seen: Seen[]
}

/** One after the other: nobody waits for alerts, and the database has other work. */
async function look(rules: readonly Rule[], now: Date, options: AssessOptions): Promise<Looked> {
  const looked: Looked = { conditions: [], seen: [] }
  for (const condition of CONDITIONS.values()) {
    // An edge looks at itself.
    if (condition.about === 'edge') continue
    try {
      looked.seen.push(...(await lookAt(condition, rules, now, options)))
      looked.conditions.push(condition.name)
    } catch (error) {
      options.log.warn({ err: error, condition: condition.name }, 'a condition could not be looked at')
    }
  }
  return looked
}

async function lookAt(
  condition: Condition,
  rules: readonly Rule[],
  now: Date,
  { integrations, ledger }: AssessOptions,
): Promise<Seen[]> {
  const things = condition.about === 'integration' ? integrations.integrations() : integrations.destinations()
  const watches = watchesOf(condition, things, rules)
  if (watches.length === 0) return []
  const byId = new Map<string, Integration | Destination>(things.map((thing) => [thing.id, thing]))
  const findings = await condition.find(watches, { ledger, integrations, now })
  return findings.flatMap((finding) => {
    const thing = byId.get(finding.id)
    return thing ? [seenOf(condition, finding, thing.applicationId)] : []
  })
}

function seenOf({ name, about }: Condition, { id, part, sentence }: Finding, applicationId: string): Seen {
  return {
    id: newId(),
    condition: name,
    subject: part === undefined ? id : `${id}/${part}`,
    sentence: cut(sentence, SENTENCE_CHARS_MAX),
    applicationId,
    integrationId: about === 'integration' ? id : null,
    destinationId: about === 'destination' ? id : null,
  }
}

async function settle(
  transaction: Transaction,
  { conditions, seen }: Looked,
  channels: readonly Channel[],
  calmMs: number,
): Promise<void> {
  const opened = await seeIncidents(transaction, seen)
  const beginnings = opened.flatMap((incident) =>
    listeners(channels, incident).map(({ id }) => ({
      channelId: id,
      incidentId: incident.id,
      kind: 'opened' as const,
    })),
  )
  await tellChannels(transaction, beginnings)
  const ended = [
    ...(await endIncidents(transaction, conditions, calmMs)),
    ...(await endIncidents(transaction, OF_EDGES, GONE_MS)),
  ]
  const told = await findTold(transaction, ended)
  await tellChannels(
    transaction,
    told.map((one) => ({ ...one, kind: 'recovered' as const })),
  )
  await forgetIncidents(transaction, KEPT_DAYS, FORGOTTEN_AT_ONCE)
  await forgetMessages(transaction, KEPT_DAYS, FORGOTTEN_AT_ONCE)
}

/** The channels that want to be told of an incident. */
export function listeners(channels: readonly Channel[], incident: Incident): Channel[] {
  return channels.filter(
    (channel) =>
      channel.enabled &&
      (channel.conditions.length === 0 || channel.conditions.includes(incident.condition)) &&
      covers(channel, incident),
  )
}
