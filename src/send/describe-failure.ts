import type { FailedAttempt } from '../alerts/alerts.ts'
import { type Hidden, maskText } from '../http-request/http-request.ts'
import type { AttemptRecord, TakenDelivery } from '../ledger/ledger.ts'
import type { Redaction } from '../payload/redaction.ts'

/**
 * A failed attempt as it is told to people: what is kept of it, and the body that was sent, secrets and what is redacted
 * masked.
 *
 * @param delayMs until the next try; null when there is none
 */
export function describeFailure(
  taken: TakenDelivery,
  attempt: AttemptRecord,
  { body = '', hidden }: { body?: Buffer | string | undefined; hidden: Hidden },
  redaction: Redaction,
  delayMs: number | null,
): FailedAttempt {
  const shownBody = typeof body === 'string' ? redaction.text(body) : redaction.bytes(body)
  const { id: deliveryId, eventId, applicationId, integrationId, destinationId, number } = taken
  return {
    deliveryId,
    eventId,
    applicationId,
    integrationId,
    destinationId,
    number,
    startedAt: attempt.startedAt,
    method: attempt.request.method,
    url: attempt.request.url,
    body: maskText(shownBody.toString(), hidden),
    reason: attempt.reason,
    nextTryAt: delayMs === null ? null : new Date(Date.now() + delayMs),
  }
}
