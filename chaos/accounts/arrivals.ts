import type { Evidence } from './evidence.ts'
import { type Finding, wrong } from './finding.ts'

/** Is everything unharmed, and is what arrived what the ledger says? */
export function findWrongArrivals(evidence: Evidence): Finding[] {
  return [...harmedRequests(evidence), ...strangeArrivals(evidence), ...missingArrivals(evidence)]
}

function harmedRequests({ events }: Evidence): Finding[] {
  return events
    .filter(({ isIntact }) => !isIntact)
    .map(({ number, id }) => wrong(number, `event ${id} does not have the bytes that were sent`))
}

function strangeArrivals({ taken, deliveryById, eventById, requestOf }: Evidence): Finding[] {
  return taken.flatMap(({ number, stream, body, deliveryId }) => {
    const event = eventById.get(deliveryById.get(deliveryId)?.eventId ?? '')
    const request = requestOf(number)
    if (!event) return [wrong(number, `arrived as ${deliveryId}, which the ledger does not know`)]
    if (event.number !== number) return [wrong(number, `arrived as ${deliveryId}, which is ${event.number}`)]
    if (stream !== request.stream) return [wrong(number, `arrived at ${stream}, not at ${request.stream}`)]
    if (request.fate === 'filtered' || request.fate === 'dead')
      return [wrong(number, `arrived, and had to be ${request.fate}`)]
    if (body !== request.arriving) return [wrong(number, `arrived with another body: ${body.slice(0, 200)}`)]
    return []
  })
}

/** What the ledger calls delivered was taken by the receiver. */
function missingArrivals({ taken, deliveryById, eventById }: Evidence): Finding[] {
  const arrived = new Set(taken.map(({ deliveryId }) => deliveryId))
  return [...deliveryById.values()].flatMap(({ id, state, eventId }) => {
    if (state !== 'delivered' || arrived.has(id)) return []
    return [wrong(eventById.get(eventId)?.number ?? 0, `delivery ${id} is delivered, and never arrived`)]
  })
}
