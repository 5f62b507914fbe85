import type { Identity } from '../sources/sources.ts'

/** What an event's source calls it, as columns of `events event`. */
export const IDENTITY_COLUMNS = `event.topic AS "sourceTopic", event.source_delivery_id AS "sourceDeliveryId",
  event.source_event_id AS "sourceEventId", event.occurred_at AS "sourceOccurredAt", event.sender AS "sourceSender"`

export interface IdentityColumns {
  sourceTopic: string | null
  sourceDeliveryId: string | null
  sourceEventId: string | null
  sourceOccurredAt: Date | null
  sourceSender: string | null
}

/** A row with what its source calls it in one place. */
export function withIdentity<Row extends IdentityColumns>(
  row: Row,
): Omit<Row, keyof IdentityColumns> & { source: Identity } {
  const { sourceTopic, sourceDeliveryId, sourceEventId, sourceOccurredAt, sourceSender, ...rest } = row
  const source = {
    topic: sourceTopic,
    deliveryId: sourceDeliveryId,
    eventId: sourceEventId,
    occurredAt: sourceOccurredAt?.toISOString() ?? null,
    sender: sourceSender,
  }
  return { ...rest, source }
}
