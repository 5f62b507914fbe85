import { maskText } from '../http-request/http-request.ts'
import type { TakenDelivery } from '../ledger/ledger.ts'
import type { Redaction } from '../payload/redaction.ts'
import type { Log } from '../platform/log.ts'
import type { Step } from './next-step.ts'
import type { Pushed } from './push.ts'

/** The line of one attempt in the log. */
export function tellAttempt(
  taken: TakenDelivery,
  step: Step,
  { answer, request }: Pick<Pushed, 'answer' | 'request'>,
  redaction: Redaction,
  log: Log,
): void {
  const { id: deliveryId, runId, eventId, integrationId, destinationId, number } = taken
  const ids = { deliveryId, runId, eventId, integrationId, destinationId, attempt: number }
  const { verdict, reason, message } = step.verdict
  const line = {
    ...ids,
    verdict,
    reason,
    state: step.state,
    retryInMs: step.delayMs,
    status: answer?.status,
    ms: answer?.timing.totalMs,
  }
  if (step.state === 'dead')
    log.warn({ ...line, note: redaction.text(maskText(message, request.hidden)) }, 'attempt')
  else log.info(line, 'attempt')
}
