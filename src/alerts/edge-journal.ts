import type { Outbound } from '../outbound/outbound.ts'
import { newId } from '../platform/ids.ts'
import { createLocalCopy, readLocalCopy } from '../platform/local-copy.ts'
import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
import type { Sealer } from '../platform/sealing.ts'
import { listeners } from './assess.ts'
import { type ChannelRow, findChannelRows, openChannels } from './channels.ts'
import type { JournalStanding, Watched } from './condition.ts'
import { journal as condition } from './conditions/journal.ts'
import type { Incident } from './incidents.ts'
import { findRuleRows, openRules, type Rule, type RuleRow, watchesOf } from './rules.ts'
import { settleIncident, type ToldAlready } from './settle-incident.ts'
import { tell } from './ways/ways.ts'
import { incidentNotice, type Names } from './wording.ts'

/** The edge itself and its journal: what is wrong there has to be told while the database is away. */
export interface EdgeJournal {
  /** Looks at it once. */
  look(standing: JournalStanding, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export interface EdgeJournalOptions {
  /** The same after a restart, another one for each edge. */
  id: string
  /** For people. */
  name: string
  /** Where channels and rules are kept for a start without the database; undefined for nowhere. */
  copyFile: string | undefined
  calmMs: number
}

interface Rooms extends Omit<Watched, 'now' | 'journal'> {
  sql: Sql
  sealer: Sealer
  outbound: Pick<Outbound, 'request' | 'connect'>
  names: Names
  now(): Date
  log: Log
}

/** Whom to tell, and from when on: as the database had it last. */
interface Known {
  channels: ChannelRow[]
  rules: RuleRow[]
}

const COPY = { of: 'alert channels', version: 1 }

/**
 * An incident that begins while the database is away is told by this process, over the channels that it knows. When
 * the database is there it becomes an incident as all others, and what follows is told as for these.
 */
export function createEdgeJournal(
  { id, name, copyFile, calmMs }: EdgeJournalOptions,
  rooms: Rooms,
): EdgeJournal {
  const { sql, sealer, outbound, names, now, log } = rooms
  const copy = copyFile === undefined ? undefined : createLocalCopy<Known>({ file: copyFile, ...COPY, log })
  let known: Known | undefined
  let current: { incident: Incident; told: Map<string, ToldAlready>; isWritten: boolean } | undefined

  async function learn(isAway: boolean): Promise<Known> {
    if (!isAway) {
      known = { channels: await findChannelRows(sql), rules: await findRuleRows(sql) }
      copy?.keep(known)
    }
    known ??= await readCopy()
    return known
  }

  async function readCopy(): Promise<Known> {
    const nothing: Known = { channels: [], rules: [] }
    if (copyFile === undefined) return nothing
    const read = readLocalCopy({ file: copyFile, ...COPY }, (content) => content as Known)
    return read.then(
      ({ content }) => content,
      (error) => {
        log.warn({ err: error }, 'nobody can be told that PostgreSQL is away')
        return nothing
      },
    )
  }

  async function sentenceOf(standing: JournalStanding, rules: Rule[]): Promise<string | undefined> {
    const edge = { id, applicationId: '', name, enabled: true }
    const watches = watchesOf(condition, [edge], rules)
    const [finding] = await condition.find(watches, { ...rooms, journal: standing, now: now() })
    return finding?.sentence
  }

  function begin(sentence: string) {
    const at = now()
    const about = { applicationId: null, integrationId: null, destinationId: null }
    const times = { openedAt: at, lastSeenAt: at, recoveredAt: null }
    const incident = { id: newId(), condition: condition.name, sentence, ...about, ...times }
    return { incident, told: new Map<string, ToldAlready>(), isWritten: false }
  }

  /** What fails is tried again with the next look. */
  async function tellDirectly(channelRows: ChannelRow[], signal: AbortSignal): Promise<void> {
    if (!current || current.isWritten) return
    const { incident, told } = current
    for (const channel of listeners(openChannels(channelRows, sealer, log), incident)) {
      if (told.has(channel.id) || signal.aborted) continue
      const message = { id: newId(), kind: 'opened' as const, createdAt: now() }
      const { ok, problem } = await tell(channel.config, incidentNotice(message, incident, names), {
        outbound,
        signal,
      })
      const line = { channelId: channel.id, messageId: message.id, kind: message.kind, problem }
      if (!ok) log.warn(line, 'an alert could not be sent')
      else {
        log.info(line, 'alert sent')
        told.set(channel.id, { ...message, channelId: channel.id, sentAt: now(), note: problem })
      }
    }
  }

  async function settle(channelRows: ChannelRow[], isSeen: boolean): Promise<void> {
    const incident = current && (isSeen || !current.isWritten) ? current.incident : undefined
    const listening = incident ? listeners(openChannels(channelRows, sealer, log), incident) : []
    const isOpen = await settleIncident(sql, {
      condition: condition.name,
      subject: id,
      incident,
      told: [...(current?.told.values() ?? [])],
      channelIds: listening.map((channel) => channel.id),
      calmMs,
    })
    if (current) current.isWritten = true
    if (!isOpen) current = undefined
  }

  return {
    async look(standing, signal) {
      const isAway = standing.away !== null
      const { channels, rules } = await learn(isAway)
      const sentence = await sentenceOf(standing, openRules(rules, log))
      if (sentence !== undefined) {
        current ??= begin(sentence)
        current.incident = { ...current.incident, sentence, lastSeenAt: now() }
      }
      if (isAway) await tellDirectly(channels, signal)
      else await settle(channels, sentence !== undefined)
    },
    close: async () => copy?.close(),
  }
}
