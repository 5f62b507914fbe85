/** What a vector wants, against what became of it. */
import { isDeepStrictEqual } from 'node:util'
import { PRESETS, PROOF_FAULTS } from '../../src/sources/sources.ts'
import type { Vector } from '../sources/vectors.ts'
import type { Played, ShownEvent } from './stage.ts'

export interface Difference {
  expected: string
  got: string
}

/** Nothing where all is as the vector says. */
export function differencesOf(vector: Vector, played: Played): Difference[] {
  const checks = [vector.kind === 'handshake' ? handshakeVerdict : eventVerdict, answer, duplicates, fault]
  return checks.flatMap((check) => check(vector, played))
}

function eventVerdict({ valid, expect, source }: Vector, played: Played): Difference[] {
  const got = toldOf(played)
  if (!valid) return isRefused(played) ? [] : [{ expected: 'refused for what is wrong with it', got }]
  const isQueued = played.events.some(({ state }) => state === 'queued')
  if (expect?.enqueue !== false && isAccepted(played) && isQueued) return []
  // A ping that is proven is accepted too, and there is nothing to queue.
  const isPing = expect?.enqueue !== true && played.outcome === 'handshake' && isProvenFirst(source)
  if (isAccepted(played) && isPing && played.events.length === 0) return []
  const expected = expect?.enqueue === false ? 'accepted, without an event' : 'accepted, with an event'
  return [{ expected, got }]
}

function handshakeVerdict({ valid, expect }: Vector, played: Played): Difference[] {
  const got = toldOf(played)
  const wantsEvents = expect?.enqueue === true
  if (played.events.length > 0 !== wantsEvents)
    return [{ expected: wantsEvents ? 'an answer and an event' : 'an answer and no event', got }]
  if (expect?.status !== undefined) return []
  if (valid) return isAccepted(played) ? [] : [{ expected: 'answered with success', got }]
  return isAccepted(played) ? [{ expected: 'refused', got }] : []
}

/** Refusals that say nothing of the message: it would have had the same with the right proof. */
const OF_SOMETHING_ELSE: readonly string[] = [
  'defect',
  'not_stored',
  'rate_limited',
  'unknown_integration',
  'no_webhook_address',
  'too_slow',
  'broken_off',
  'unknown',
]

function isRefused({ answer, events, outcome }: Played): boolean {
  return answer.status >= 400 && events.length === 0 && !OF_SOMETHING_ELSE.includes(outcome)
}

function isAccepted({ answer }: Played): boolean {
  return answer.status >= 200 && answer.status <= 299
}

function isProvenFirst(source: string): boolean {
  return PRESETS.get(source)?.handshakes.some(({ asked }) => asked === 'after proof') ?? false
}

function answer({ expect }: Vector, { answer }: Played): Difference[] {
  const { status, contentType, body } = expect ?? {}
  const differences: Difference[] = []
  if (status !== undefined && status !== answer.status)
    differences.push({ expected: `status ${status}`, got: `${answer.status}` })
  if (contentType !== undefined && !isContentType(contentType, answer.contentType))
    differences.push({ expected: `content type ${contentType}`, got: answer.contentType ?? 'none' })
  if (body !== undefined && !isBody(body, answer.body))
    differences.push({ expected: `body ${JSON.stringify(body)}`, got: JSON.stringify(answer.body) })
  return differences
}

/** Parameters count only where the vector names some. */
function isContentType(expected: string, got = ''): boolean {
  const plain = (text: string) => text.toLowerCase().replaceAll(' ', '')
  return plain(expected) === plain(expected.includes(';') ? got : (got.split(';')[0] ?? ''))
}

/** A text is meant to the letter, anything else as JSON. */
function isBody(expected: unknown, got: string): boolean {
  if (typeof expected === 'string') return expected === got
  try {
    return isDeepStrictEqual(JSON.parse(got), expected)
  } catch {
    return false
  }
}

function duplicates({ expect }: Vector, { events, eventsAfterAll }: Played): Difference[] {
  if (eventsAfterAll === undefined) return []
  const { dedupeKey, dedupeByBodyHash } = expect ?? {}
  const copies = duplicatesIn(eventsAfterAll) - duplicatesIn(events)
  const got = `of the same request again, ${copies} of ${events.length} events are duplicates`
  const differences: Difference[] = []
  if (dedupeKey !== undefined && !events.some((event) => isToldApartBy(event, dedupeKey)))
    differences.push({ expected: `told apart by ${dedupeKey}`, got: events.map(toldIdentity).join('; ') })
  if ((dedupeKey !== undefined || dedupeByBodyHash === true) && copies !== events.length)
    differences.push({ expected: 'the same again is a duplicate', got })
  const isNamed = events.some(({ source }) => source.eventId !== null || source.deliveryId !== null)
  if (dedupeByBodyHash === false && !isNamed && copies > 0)
    differences.push({ expected: 'the same body again is another event', got })
  return differences
}

function duplicatesIn(events: ShownEvent[]): number {
  return events.filter(({ state }) => state === 'duplicate').length
}

function isToldApartBy({ source, dedupeKey }: ShownEvent, key: string): boolean {
  return dedupeKey === key || (dedupeKey !== null && Object.values(source).includes(key))
}

function toldIdentity({ source, dedupeKey }: ShownEvent): string {
  return JSON.stringify({ ...source, dedupeKey })
}

/** The reason as the operator reads it, where the vector names one; a wrong method is refused before its proof is read. */
function fault({ fault }: Vector, { outcome, note }: Played): Difference[] {
  if (fault === undefined || outcome === 'method_not_allowed') return []
  const sentence = PROOF_FAULTS[fault] as string | undefined
  if (sentence === undefined) return [{ expected: `refused as ${fault}`, got: 'there is no such fault' }]
  return note.includes(sentence) ? [] : [{ expected: `refused as ${fault}: ${sentence}`, got: outcome }]
}

function toldOf({ answer: { status, body }, events, outcome }: Played): string {
  const states = Object.entries(Object.groupBy(events, ({ state }) => state)).map(
    ([state, found]) => `${found?.length} ${state}`,
  )
  const said = body === '' ? 'an empty body' : body.slice(0, 200)
  return `${status} (${outcome}), ${states.length === 0 ? 'no event' : `events: ${states.join(', ')}`}, ${said}`
}
