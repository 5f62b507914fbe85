import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
import type { Sealer } from '../platform/sealing.ts'
import { type Channel, covers, findChannels } from './channels.ts'
import { addMessage, type TakenMessage } from './messages.ts'
import type { Notice } from './notice.ts'
import { cut, quoted } from './spoken.ts'
import { type Names, placesOf } from './wording.ts'

/** An attempt that failed, as the sender of deliveries tells it: secrets masked. */
export interface FailedAttempt {
  deliveryId: string
  eventId: string
  applicationId: string
  integrationId: string
  destinationId: string
  /** Which attempt of the delivery it was, from 1. */
  number: number
  startedAt: Date
  method: string
  url: string
  /** What was sent, or would have been. */
  body: string
  /** `reason: sentence` */
  reason: string
  /** Null when there is no next: the delivery is dead. */
  nextTryAt: Date | null
  /** So many more deliveries were in the same push and ended alike; none unless it was a batch. */
  others?: number
}

export interface FailedAttemptsOptions {
  sql: Sql
  sealer: Sealer
  log: Log
}

/** Nobody reads more mails than this; the ledger has every attempt. */
const WAITING_MAX = 200
const BODY_CHARS_MAX = 65_536
/** So long a change of a channel in another process may take to be seen. */
const KNOWN_MS = 10_000

/**
 * Gives a hook that puts a mail on its way for each failed attempt, to the channels that ask for it, as Tilby does it
 * for whoever hooks a webhook. It does not reject, and costs nothing where no channel asks.
 */
export function createFailedAttempts({ sql, sealer, log }: FailedAttemptsOptions) {
  let known: { channels: Channel[]; until: number } | undefined

  async function listening(): Promise<Channel[]> {
    if (known && known.until > performance.now()) return known.channels
    const channels = (await findChannels(sql, sealer, log)).filter(
      ({ enabled, config }) => enabled && config.kind === 'email' && config.failedAttempts,
    )
    known = { channels, until: performance.now() + KNOWN_MS }
    return channels
  }

  return {
    async tell(attempt: FailedAttempt): Promise<void> {
      try {
        const kind = attempt.nextTryAt === null ? 'tries_over' : 'attempt_failed'
        const content = JSON.stringify({ ...attempt, body: cut(attempt.body, BODY_CHARS_MAX) })
        for (const channel of (await listening()).filter((one) => covers(one, attempt))) {
          const added = await addMessage(sql, {
            channelId: channel.id,
            kind,
            content,
            waitingMax: WAITING_MAX,
          })
          if (!added)
            log.warn(
              { channelId: channel.id, deliveryId: attempt.deliveryId },
              'too many messages wait for an alert channel: a failed attempt is not told',
            )
        }
      } catch (error) {
        log.warn({ err: error, deliveryId: attempt.deliveryId }, 'a failed attempt could not be told')
      }
    },
    /** Called when channels were changed here. */
    forget() {
      known = undefined
    },
  }
}

/** The mail about one failed attempt. */
export function attemptNotice(message: TakenMessage, names: Names): Notice {
  const attempt: FailedAttempt = JSON.parse(message.content ?? '{}')
  const { destinationId, number, reason, method, url, body, deliveryId, eventId, nextTryAt, others } = attempt
  const destination = quoted(names.destination(destinationId)?.name ?? destinationId)
  const last = message.kind === 'tries_over'
  const headline = last
    ? `A delivery to ${destination} reached its last try`
    : `Attempt ${number} of a delivery to ${destination} failed`
  const lines = [
    `${headline}: ${reason}.`,
    '',
    ...placesOf(attempt, names),
    `Event: ${eventId}`,
    `Delivery: ${deliveryId}, attempt ${number} at ${attempt.startedAt}`,
    ...(others ? [`And ${others} more of the same batch.`] : []),
    last ? 'It is not tried again by itself.' : `Next try: ${nextTryAt}`,
    '',
    `${method} ${url}`,
    '',
    body,
  ]
  return {
    id: message.id,
    type: last ? 'attempt.last_failed' : 'attempt.failed',
    at: message.createdAt,
    subject: cut(`[Sluice] ${headline}`, 150),
    text: `${lines.join('\n')}\n`,
    data: { attempt },
  }
}
