/** When is everything as if nothing had been? Asked of senders and of the ledger, not of the gateways. */
import { setTimeout as pause } from 'node:timers/promises'
import { UNFINISHED } from '../src/ledger/ledger.ts'
import type { Channel } from './channel.ts'
import type { GeneratorQuestion } from './generator.ts'
import { NUMBERS_PER_PHASE } from './requests.ts'
import type { Sight } from './sending.ts'
import type { Installation } from './world/installation.ts'

const POLL_MS = 250

/** When every edge has acknowledged something that was sent after this moment; null when that takes too long. */
export async function acksAreBack(
  generator: Channel<GeneratorQuestion, Sight | null>,
  after: number,
  untilMs: number,
  signal: AbortSignal,
): Promise<number | null> {
  return asSoonAs(untilMs, signal, async () => {
    const sight = await generator.ask({ ask: 'sight' })
    return sight?.latestAckSentAt.every((at) => at > after) === true
  })
}

/** When each of these numbers is in the ledger, with events that have ended; null when that takes too long. */
export async function areEnded(
  site: Installation,
  phaseIndex: number,
  numbers: readonly number[],
  untilMs: number,
  signal: AbortSignal,
): Promise<number | null> {
  return asSoonAs(untilMs, signal, async () => {
    const ended = await endedNumbers(site, phaseIndex)
    return numbers.every((number) => ended.get(number) === true)
  })
}

/** The same of everything that the phase has in the ledger, acknowledged or not. */
export async function isAllEnded(
  site: Installation,
  phaseIndex: number,
  acked: readonly number[],
  untilMs: number,
  signal: AbortSignal,
): Promise<number | null> {
  return asSoonAs(untilMs, signal, async () => {
    const ended = await endedNumbers(site, phaseIndex)
    return acked.every((number) => ended.has(number)) && ![...ended.values()].includes(false)
  })
}

/** The numbers of a phase that are in the ledger, and whether everything that they gave has ended. */
async function endedNumbers(site: Installation, phaseIndex: number): Promise<Map<number, boolean>> {
  const first = phaseIndex * NUMBERS_PER_PHASE
  const sql = await site.sql()
  const rows = await sql<{ number: number; isEnded: boolean }[]>`
    SELECT numbered.number, bool_and(events.state <> ALL (${[...UNFINISHED.event]})) AS "isEnded"
    FROM (
      SELECT id, substring(path FROM 'number=([0-9]+)')::int AS number FROM requests WHERE outcome = 'accepted'
    ) numbered
    JOIN events ON events.request_id = numbered.id
    WHERE numbered.number BETWEEN ${first} AND ${first + NUMBERS_PER_PHASE - 1}
    GROUP BY numbered.number`
  return new Map(rows.map(({ number, isEnded }) => [number, isEnded]))
}

async function asSoonAs(
  untilMs: number,
  signal: AbortSignal,
  isSo: () => Promise<boolean>,
): Promise<number | null> {
  for (;;) {
    const begunMs = performance.now()
    // Whoever is asked may still be coming back.
    if (await isSo().catch(() => false)) return performance.now()
    const now = performance.now()
    if (now > untilMs) return null
    // A question that takes long is not asked so often that the answer is what takes long.
    await pause(Math.max(POLL_MS, 3 * (now - begunMs)), undefined, { signal })
  }
}
