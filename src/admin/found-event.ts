import { z } from '@hono/zod-openapi'
import type { Integrations } from '../integrations/integrations.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { Problem } from './problem.ts'
import { type RedactedDelivery, type RedactedEvent, redactDeliveryDetail, redactEvent } from './redacted.ts'

export const eventParam = z.object({ id: z.uuid().openapi({ param: { name: 'id', in: 'path' } }) })

interface Finding {
  ledger: Pick<Ledger, 'findEvent' | 'findDelivery' | 'findCarried'>
  integrations: Pick<Integrations, 'integration'>
}

/** The only way to an event that leads to an answer. @throws Problem when there is none. */
export async function foundEvent(
  { ledger, integrations }: Finding,
  id: string,
  signal?: AbortSignal,
): Promise<RedactedEvent> {
  const event = await ledger.findEvent(id, signal)
  if (!event) throw new Problem(404, `there is no event ${id}`)
  return redactEvent(event, integrations.integration(event.integrationId)?.definition)
}

/** The only way to a delivery that leads to an answer; undefined when there is none. */
export async function findShownDelivery(
  { ledger, integrations }: Finding,
  id: string,
): Promise<RedactedDelivery | undefined> {
  const delivery = await ledger.findDelivery(id)
  if (!delivery) return undefined
  const { integrationId, eventId } = delivery
  const definition = integrations.integration(integrationId)?.definition
  return redactDeliveryDetail(delivery, definition, () => ledger.findCarried(eventId))
}
