import type { Outbound } from '../outbound/outbound.ts'
import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
import type { Sealer } from '../platform/sealing.ts'
import { type Channel, findChannel } from './channels.ts'
import { attemptNotice } from './failed-attempts.ts'
import { readIncident } from './incidents.ts'
import {
  findDueChannels,
  messageFailed,
  messageGivenUp,
  messageSent,
  type TakenMessage,
  takeMessage,
} from './messages.ts'
import type { Notice, Told } from './notice.ts'
import { cut } from './spoken.ts'
import { tell } from './ways/ways.ts'
import { incidentNotice, type Names } from './wording.ts'

export interface SendMessagesOptions {
  sql: Sql
  sealer: Sealer
  outbound: Pick<Outbound, 'request' | 'connect'>
  names: Names
  /** Before a message is tried again the first time; doubled each time. */
  retryMs: number
  log: Log
}

const CHANNELS_AT_ONCE = 20
const MESSAGES_IN_A_ROW = 50
/** Longer than any way takes to tell something. */
const LEASE_MS = 120_000
const RETRY_MS_MAX = 1_800_000
const GIVEN_UP_AFTER_MS = 3 * 86_400_000
const PROBLEM_CHARS_MAX = 500

/**
 * Sends what is due, each channel in order and all channels beside each other, so that one that hangs delays no other.
 * What fails is tried again later. A message may be sent twice when a process ends in the middle; its id stays the same.
 */
export async function sendMessages(options: SendMessagesOptions, signal: AbortSignal): Promise<void> {
  const due = await findDueChannels(options.sql, CHANNELS_AT_ONCE)
  await Promise.all(due.map((channelId) => sendToChannel(channelId, options, signal)))
}

async function sendToChannel(
  channelId: string,
  options: SendMessagesOptions,
  signal: AbortSignal,
): Promise<void> {
  const { sql, sealer, log } = options
  for (let sent = 0; sent < MESSAGES_IN_A_ROW && !signal.aborted; sent++) {
    const message = await takeMessage(sql, channelId, LEASE_MS)
    if (!message) return
    const told = await findChannel(sql, sealer, channelId).then(
      (channel) => (channel ? tellMessage(channel, message, options, signal) : undefined),
      (error: Error) => ({ ok: false as const, problem: error.message }),
    )
    if (!told) return
    await account(message, told, options)
    const line = { channelId, messageId: message.id, kind: message.kind, tries: message.tries }
    if (!told.ok) return log.warn({ ...line, problem: told.problem }, 'an alert could not be sent')
    log.info({ ...line, problem: told.problem }, 'alert sent')
  }
}

async function tellMessage(
  channel: Channel,
  message: TakenMessage,
  { sql, outbound, names }: SendMessagesOptions,
  signal: AbortSignal,
): Promise<Told> {
  const notice = await noticeOf(message, sql, names)
  // What it was about is forgotten, and so nobody has to hear of it.
  if (!notice) return { ok: true, problem: 'nothing was sent: its incident is gone' }
  return tell(channel.config, notice, { outbound, signal })
}

async function noticeOf(message: TakenMessage, sql: Sql, names: Names): Promise<Notice | undefined> {
  if (message.incidentId === null) return attemptNotice(message, names)
  const incident = await readIncident(sql, message.incidentId)
  return incident && incidentNotice(message, incident, names)
}

async function account(
  message: TakenMessage,
  told: Told,
  { sql, retryMs }: SendMessagesOptions,
): Promise<void> {
  const problem = told.problem === null ? null : cut(told.problem, PROBLEM_CHARS_MAX)
  if (told.ok) return messageSent(sql, message.id, problem)
  const isOld = Date.now() - message.createdAt.getTime() > GIVEN_UP_AFTER_MS
  if (isOld) return messageGivenUp(sql, message.id, problem ?? '')
  const delayMs = Math.min(RETRY_MS_MAX, retryMs * 2 ** (message.tries - 1))
  return messageFailed(sql, message.id, problem ?? '', delayMs)
}
