/** One phase: load, a fault that comes and goes, and the way back to where everything acknowledged has ended. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Channel } from './channel.ts'
import { doFaults } from './do-faults.ts'
import type { GeneratorQuestion } from './generator.ts'
import type { Phase } from './plan.ts'
import { acksAreBack, areEnded, isAllEnded } from './recovery.ts'
import type { Sight } from './sending.ts'
import type { Installation } from './world/installation.ts'

export interface PhaseOptions {
  phase: Phase
  site: Installation
  generator: Channel<GeneratorQuestion, Sight | null>
  seed: number
  perSecond: number
  retries: boolean
  /** Progress, a line at a time. */
  say(line: string): void
  signal: AbortSignal
}

export interface PlayedPhase {
  phase: Phase
  /** From the moment at which the last fault was lifted; null when that did not happen in time. */
  recoveryMs: number | null
  /** How often something was done. */
  faults: number
}

/** What is refused is sent again until then. */
const SETTLE_WITHIN_MS = 60_000
/** Longer than a delivery belongs to a worker that was killed, with everything that follows from it. */
const RECOVERY_WITHIN_MS = 150_000

export async function playPhase(options: PhaseOptions): Promise<PlayedPhase> {
  const { phase, site, generator, seed, perSecond, retries, say, signal } = options
  const edges = site.edges.map(({ url }) => url)
  const order = { seed, index: phase.index, edges, integrations: site.integrations, perSecond, retries }
  await generator.ask({ ask: 'begin', phase: order })
  const endAtMs = performance.now() + phase.seconds * 1_000
  // The last third is for getting over it.
  const lastMs = endAtMs - (phase.seconds * 1_000) / 3
  const faults = await doFaults({ ...options, faults: phase.faults, seed: seed + phase.index, lastMs })
  // From here on nothing is wrong any more.
  const liftedAt = Date.now()
  const liftedMs = performance.now()
  const acked = (await generator.ask({ ask: 'sight' }))?.acked ?? []
  const until = liftedMs + RECOVERY_WITHIN_MS
  const back = acksAreBack(generator, liftedAt, until, signal)
  const ended = areEnded(site, phase.index, acked, until, signal)
  // They are waited for below, unless the round is stopped before.
  for (const awaited of [back, ended]) awaited.catch(() => {})
  const rest = endAtMs - performance.now()
  if (rest > 0) await sleep(rest, signal)
  const backAtMs = await back
  const sight = await generator.ask({ ask: 'settle', withinMs: SETTLE_WITHIN_MS })
  say(`${phase.name}: ${describe(sight)}; waiting until all of it has ended`)
  const endedAtMs = await ended
  // And what came after that, unless it is plain already that something never will.
  const deadline = performance.now() + (endedAtMs === null ? 0 : RECOVERY_WITHIN_MS)
  await isAllEnded(site, phase.index, sight?.acked ?? [], deadline, signal)
  const recoveredAtMs = backAtMs === null || endedAtMs === null ? null : Math.max(backAtMs, endedAtMs)
  return { phase, faults, recoveryMs: recoveredAtMs === null ? null : recoveredAtMs - liftedMs }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return pause(ms, undefined, { signal })
}

function describe(sight: Sight | null): string {
  if (!sight) return 'nothing was sent'
  const { acked, refused, untaken, unknown } = sight
  return `${acked.length} acked, ${refused} refused, ${untaken} not taken, ${unknown} without an answer`
}
