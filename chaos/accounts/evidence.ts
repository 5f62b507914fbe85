import type { Arrived, Records, RoundPhase, Sent } from '../record.ts'
import { NUMBERS_PER_PHASE, type NumberedRequest, requestOf } from '../requests.ts'
import type { Kept, KeptDelivery, KeptEvent, KeptRun } from './kept.ts'

/** Everything that is known of one phase, so that each question can be asked of it. */
export interface Evidence {
  isClockTurned: boolean
  /** What was sent, by number. */
  sent: Map<number, Sent[]>
  acked: ReadonlySet<number>
  /** What the receiver took, in the order in which it came. */
  taken: Arrived[]
  takenByNumber: Map<number, Arrived[]>
  events: readonly KeptEvent[]
  eventById: Map<string, KeptEvent>
  eventsByNumber: Map<number, KeptEvent[]>
  runsByEvent: Map<string, KeptRun[]>
  deliveriesByEvent: Map<string, KeptDelivery[]>
  deliveryById: Map<string, KeptDelivery>
  requestOf(number: number): NumberedRequest
}

export function evidenceOf(phase: RoundPhase, { round, sent, arrived }: Records, kept: Kept): Evidence {
  const isOfPhase = ({ number }: { number: number }) => Math.floor(number / NUMBERS_PER_PHASE) === phase.index
  const own = sent.filter(isOfPhase)
  const taken = arrived.filter(isOfPhase).filter(({ status }) => status === 200)
  const requests = new Map<number, NumberedRequest>()
  return {
    isClockTurned: phase.isClockTurned,
    sent: Map.groupBy(own, ({ number }) => number),
    acked: new Set(own.filter(({ end }) => end === 'acked').map(({ number }) => number)),
    taken,
    takenByNumber: Map.groupBy(taken, ({ number }) => number),
    events: kept.events,
    eventById: new Map(kept.events.map((event) => [event.id, event])),
    eventsByNumber: Map.groupBy(kept.events, ({ number }) => number),
    runsByEvent: Map.groupBy(kept.runs, ({ eventId }) => eventId),
    deliveriesByEvent: Map.groupBy(kept.deliveries, ({ eventId }) => eventId),
    deliveryById: new Map(kept.deliveries.map((delivery) => [delivery.id, delivery])),
    requestOf(number) {
      const known = requests.get(number)
      if (known) return known
      const request = requestOf(round.seed, number)
      requests.set(number, request)
      return request
    },
  }
}
