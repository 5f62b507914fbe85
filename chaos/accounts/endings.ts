import { STATES, UNFINISHED } from '../../src/ledger/ledger.ts'
import type { Fate } from '../requests.ts'
import type { Evidence } from './evidence.ts'
import { type Finding, wrong } from './finding.ts'
import type { KeptEvent } from './kept.ts'

/** The final states that an event of each fate may have. */
const ENDS: Record<Fate, readonly string[]> = {
  delivered: ['delivered'],
  first: ['delivered', 'duplicate'],
  filtered: ['filtered'],
  dead: ['dead'],
}
/** What the deliveries of an event in each of these states look like. */
const DELIVERIES: Record<string, readonly string[]> = {
  delivered: ['delivered'],
  duplicate: [],
  filtered: [],
  dead: ['dead'],
}

/** Is every event, run and delivery in one final state of the closed list, the expected one, and do they agree? */
export function findWrongEndings(evidence: Evidence): Finding[] {
  return evidence.events.flatMap((event) =>
    faultsOf(event, evidence).map((fault) => wrong(event.number, `event ${event.id} ${fault}`)),
  )
}

function faultsOf(event: KeptEvent, evidence: Evidence): string[] {
  const { requestOf, runsByEvent, deliveriesByEvent } = evidence
  const runs = runsByEvent.get(event.id) ?? []
  const deliveries = deliveriesByEvent.get(event.id) ?? []
  const states = deliveries.map(({ state }) => state)
  const told = `run ${runs.map(tell).join(', ') || 'none'}; deliveries ${deliveries.map(tell).join(', ') || 'none'}`
  if (!isFinal('event', event.state)) return [`has not ended: ${event.state}; ${told}`]
  if (!ENDS[requestOf(event.number).fate].includes(event.state))
    return [`is ${tell(event)} and had to be ${requestOf(event.number).fate}; ${told}`]
  const faults: string[] = []
  const expectedRuns = event.state === 'duplicate' ? [] : [event.state]
  if (runs.map(({ state }) => state).join() !== expectedRuns.join())
    faults.push(`is ${event.state}; its ${told}`)
  if (states.join() !== (DELIVERIES[event.state] ?? []).join()) faults.push(`is ${event.state}; ${told}`)
  faults.push(...duplicateFaults(event, evidence))
  return faults
}

function duplicateFaults(event: KeptEvent, { requestOf, eventById }: Evidence): string[] {
  if (event.state !== 'duplicate') return []
  const first = eventById.get(event.duplicateOf ?? '')
  if (!first) return [`is a duplicate of ${event.duplicateOf}, which is not there`]
  const [own, other] = [requestOf(event.number).dedupeKey, requestOf(first.number).dedupeKey]
  if (own !== other) return [`is a duplicate of ${first.number}, which has another dedupe key`]
  return first.state === 'duplicate' ? [`is a duplicate of ${first.number}, which is one itself`] : []
}

function isFinal(subject: 'event', state: string): boolean {
  return Object.hasOwn(STATES[subject], state) && !(UNFINISHED[subject] as readonly string[]).includes(state)
}

function tell({ state, reason }: { state: string; reason: string | null }): string {
  return reason === null ? state : `${state} (${reason})`
}
