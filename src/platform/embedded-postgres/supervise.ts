import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { type BringUpOptions, bringUp, claim, type Standing } from './bring-up.ts'
import type { Place } from './cluster.ts'
import { findRunning } from './lock-file.ts'
import { stopPostmaster } from './postmaster.ts'

/** The proof of being alone on the home is gone. */
export interface Loss {
  sentence: string
  /** Another Sluice works on the data now, and this one must end; otherwise the server is being brought back. */
  isFinal: boolean
}

export interface Watchers {
  log: Pick<Log, 'info' | 'warn' | 'error'>
  onLost?: ((loss: Loss) => void) | undefined
  onRegained?: (() => void) | undefined
}

const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 10_000
/** A server that stood this long did not die of what killed the one before. */
const STEADY_MS = 60_000

/** Keeps the server and the lock standing until closed, then stops the server. */
export function supervise(
  place: Place,
  first: Standing,
  options: BringUpOptions,
  watchers: Watchers,
): { close(): Promise<void> } {
  const stop = new AbortController()
  const fixed = { ...options, port: first.port, signal: stop.signal }
  const watching = watch(place, first, fixed, watchers, stop.signal)
  let closing: Promise<void> | undefined
  return {
    close() {
      closing ??= (async () => {
        stop.abort()
        await end(place, await watching, watchers)
      })()
      return closing
    },
  }
}

/** @returns what stands when the watch ends; null when there is nothing that is ours. */
async function watch(
  place: Place,
  first: Standing,
  options: BringUpOptions,
  watchers: Watchers,
  stop: AbortSignal,
): Promise<Standing | null> {
  let standing = first
  let pauseMs = 0
  for (;;) {
    const stoodSince = Date.now()
    if (!stop.aborted) await Promise.race([standing.lock.lost, once(stop, 'abort')])
    if (stop.aborted) return standing
    await standing.lock.release()
    const sentence = `The embedded PostgreSQL on port ${standing.port} was lost and is being brought back`
    watchers.log.warn({ pid: standing.pid, port: standing.port }, sentence)
    watchers.onLost?.({ sentence, isFinal: false })
    pauseMs = Date.now() - stoodSince > STEADY_MS ? 0 : longer(pauseMs)
    const again = await regain(place, options, watchers, stop, pauseMs)
    if (again === null) return null
    standing = again
  }
}

async function regain(
  place: Place,
  options: BringUpOptions,
  watchers: Watchers,
  stop: AbortSignal,
  firstPauseMs: number,
): Promise<Standing | null> {
  for (let pauseMs = firstPauseMs; ; pauseMs = longer(pauseMs)) {
    await wait(pauseMs, undefined, { signal: stop }).catch(() => {})
    if (stop.aborted) break
    const result = await bringUp(place, options)
    if ('lock' in result) {
      watchers.log.info({ pid: result.pid, port: result.port }, 'The embedded PostgreSQL is back')
      watchers.onRegained?.()
      return result
    }
    if ('taken' in result) {
      watchers.log.error({}, result.taken)
      watchers.onLost?.({ sentence: result.taken, isFinal: true })
      return null
    }
    if (!stop.aborted) {
      watchers.log.error({ reason: result.failure }, 'The embedded PostgreSQL could not be brought back yet')
    }
  }
  const left = await claim(place, options)
  return 'lock' in left ? { ...left, isAdopted: true } : null
}

function longer(pauseMs: number): number {
  return Math.min(Math.max(pauseMs * 2, PAUSE_MS_MIN), PAUSE_MS_MAX)
}

/** The lock is held while the server stops, and ends with it: nobody can adopt a server that is about to go. */
async function end(place: Place, standing: Standing | null, { log }: Watchers): Promise<void> {
  if (standing === null) return
  const running = await findRunning(place.data)
  const isGone = running?.pid !== standing.pid || (await stopPostmaster(place.data, standing.pid))
  await standing.lock.release()
  if (!isGone) log.error({ pid: standing.pid }, 'The embedded PostgreSQL did not stop')
}
