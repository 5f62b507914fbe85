import type { Evidence } from './evidence.ts'
import { type Finding, wrong } from './finding.ts'

export interface Copies {
  findings: Finding[]
  /** Deliveries that arrived more than once: so many too many. They are recognisable by their id. */
  duplicated: number
  /** Events of requests that were sent again because nobody had said that they were kept. */
  keptUnsaid: number
}

/** How often is what there should be once there? */
export function findCopies(evidence: Evidence): Copies {
  const findings = [...doubledEvents(evidence), ...doubledKeys(evidence), ...doubledDeliveries(evidence)]
  const ids = new Set(evidence.taken.map(({ deliveryId }) => deliveryId))
  return { findings, duplicated: evidence.taken.length - ids.size, keptUnsaid: countUnsaid(evidence) }
}

/** Each request may give one event. A sender that was told to come again may so have given two, and nobody else. */
function doubledEvents({ eventsByNumber, sent, requestOf }: Evidence): Finding[] {
  return [...eventsByNumber].flatMap(([number, events]) => {
    if (requestOf(number).dedupeKey !== null) return []
    const times = sent.get(number)?.length ?? 0
    if (events.length <= times) return []
    return [wrong(number, `sent ${times} times, and ${events.length} events in the ledger`)]
  })
}

/** Of the events with one dedupe key one is the first. */
function doubledKeys({ events, requestOf }: Evidence): Finding[] {
  const firsts = Map.groupBy(
    events.filter(({ state }) => state !== 'duplicate'),
    ({ number }) => requestOf(number).dedupeKey,
  )
  firsts.delete(null)
  return [...firsts].flatMap(([key, of]) => {
    const [first, second] = of
    return first && second
      ? [wrong(second.number, `has the dedupe key of ${first.number} (${key}), and is no duplicate`)]
      : []
  })
}

/** One event may arrive again and again, but under one id. */
function doubledDeliveries({ takenByNumber, eventsByNumber, requestOf }: Evidence): Finding[] {
  return [...takenByNumber].flatMap(([number, taken]) => {
    const ids = new Set(taken.map(({ deliveryId }) => deliveryId)).size
    const events = eventsByNumber.get(number)?.length ?? 0
    const most = requestOf(number).dedupeKey === null ? events : 1
    return ids > most ? [wrong(number, `arrived under ${ids} ids, with ${events} events in the ledger`)] : []
  })
}

function countUnsaid({ eventsByNumber, acked }: Evidence): number {
  let count = 0
  for (const [number, events] of eventsByNumber) count += events.length - (acked.has(number) ? 1 : 0)
  return count
}
