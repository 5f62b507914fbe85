/**
 * Lets deliveries go when their turn comes. Most never wait: they go straight into the queue with the commit of their
 * run, as long as their destination has places in this worker. Whatever has to wait is released by the ledger, which
 * is asked when something may have changed, and by the clock.
 */
import type { Ledger, Released, ReleaseRule, TakenDelivery } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import { within } from '../platform/time-limit.ts'

export interface DestinationRule {
  /** Of a destination with a limit of its own, over all workers; else the places in each worker. */
  concurrencyMax: number
  rateMax: ReleaseRule['rateMax']
  /** How its deliveries go together; one by one without it. */
  batch?: ReleaseRule['batch']
  /** Each delivery is released by the ledger, because a limit has to hold over all workers. */
  exact: boolean
}

export interface ReleaserOptions {
  ledger: Pick<Ledger, 'release' | 'ripenDue' | 'findWaitingDestinations' | 'findDestinationStates'>
  ruleOf(destinationId: string): DestinationRule
  /** Puts deliveries into the queue; must not throw and is not waited for. */
  handOver(released: Released[]): void
  log: Log
}

export interface Releaser {
  /** How many more deliveries to a destination may go without being released. */
  straight(destinationId: string): number
  /** Tells that a run has ended, and which destinations it left deliveries waiting for. */
  runEnded(waiting: { destinationId: string; ordered: boolean }[]): void
  /** Destinations with no place left in this worker. */
  full(): string[]
  /** Takes a place for as long as an attempt is under way; false when this worker has none left. */
  begin(destinationId: string): boolean
  ended(taken: Pick<TakenDelivery, 'destinationId' | 'keyed'>): void
  /** Tells that a delivery to the destination waits again. */
  stoodBack(destinationId: string): void
  /** Asks for releases now. */
  wake(destinationId: string): void
  /** Tells that a delivery's time comes then. */
  dueIn(delayMs: number): void
  close(): Promise<void>
}

/** What another process changed is seen after this at the latest. */
const TICK_MS = 1_000
const TICK_MS_MIN = 10
const BUSY_MS = 15
const DUE_MAX = 1_000
const DESTINATIONS_MAX = 200
const CLOSE_MS = 3_000

export function startReleaser(options: ReleaserOptions): Releaser {
  const { ledger, ruleOf, handOver, log } = options
  const underWay = new Map<string, number>()
  let waiting = new Set<string>()
  let held = new Set<string>()
  const ordered = new Set<string>()
  const woken = new Set<string>()
  const alarms = new Map<string, NodeJS.Timeout>()
  let releasing: Promise<void> | undefined
  let ticking: Promise<void> | undefined
  let clock: NodeJS.Timeout | undefined
  let clockAtMs = Number.POSITIVE_INFINITY
  let closing = false
  let failures = 0

  function wake(destinationId: string): void {
    if (closing) return
    woken.add(destinationId)
    releasing ??= releaseWoken()
      .catch((err) => log.warn({ err }, 'deliveries could not be released, it is tried again'))
      .finally(() => {
        releasing = undefined
      })
  }

  function wakeIn(destinationId: string, delayMs: number): void {
    // The clock comes by anyway.
    if (closing || alarms.has(destinationId) || delayMs >= TICK_MS) return
    const ring = () => {
      alarms.delete(destinationId)
      wake(destinationId)
    }
    alarms.set(destinationId, setTimeout(ring, Math.max(1, delayMs)))
  }

  async function releaseWoken(): Promise<void> {
    while (woken.size > 0 && !closing) {
      const ids = [...woken].slice(0, DESTINATIONS_MAX)
      for (const id of ids) woken.delete(id)
      const { released, left, busy } = await ledger.release(
        ids.map((destinationId) => ({ destinationId, ...ruleOf(destinationId) })),
      )
      if (released.length > 0) handOver(released)
      for (const one of left) note(one)
      for (const id of busy) wakeIn(id, BUSY_MS)
    }
  }

  function note(left: {
    destinationId: string
    waiting: boolean
    held: boolean
    againInMs: number | null
  }): void {
    const { destinationId: id } = left
    if (left.held) held.add(id)
    else held.delete(id)
    if (!left.waiting) {
      waiting.delete(id)
      ordered.delete(id)
      return
    }
    waiting.add(id)
    if (left.againInMs !== null) wakeIn(id, left.againInMs)
  }

  function isFull(destinationId: string): boolean {
    return (underWay.get(destinationId) ?? 0) >= ruleOf(destinationId).concurrencyMax
  }

  async function tick(): Promise<void> {
    const ripe = await ledger.ripenDue(DUE_MAX)
    waiting = new Set([...(await ledger.findWaitingDestinations()), ...ripe.destinationIds])
    held = new Set((await ledger.findDestinationStates()).map(({ destinationId }) => destinationId))
    for (const id of waiting) wake(id)
    if (ripe.nextInMs !== null) setClock(ripe.nextInMs)
  }

  function setClock(delayMs: number): void {
    const atMs = performance.now() + Math.max(TICK_MS_MIN, Math.min(TICK_MS, delayMs))
    if (closing || atMs >= clockAtMs) return
    clearTimeout(clock)
    clockAtMs = atMs
    clock = setTimeout(ring, atMs - performance.now())
  }

  function noticeFailure(err: unknown): void {
    if (failures === 0) log.warn({ err }, 'waiting deliveries could not be looked for, it is tried again')
    failures += 1
  }

  function noticeSuccess(): void {
    if (failures > 0) log.info({ failures }, 'waiting deliveries are looked for again')
    failures = 0
  }

  function ring(): void {
    clockAtMs = Number.POSITIVE_INFINITY
    if (ticking) {
      setClock(TICK_MS_MIN)
      return
    }
    ticking = tick()
      .then(noticeSuccess, noticeFailure)
      .finally(() => {
        ticking = undefined
        setClock(TICK_MS)
      })
  }

  ring()
  return {
    straight(destinationId) {
      const { exact, concurrencyMax } = ruleOf(destinationId)
      if (closing || exact || waiting.has(destinationId) || held.has(destinationId)) return 0
      return concurrencyMax - (underWay.get(destinationId) ?? 0)
    },
    runEnded(left) {
      for (const one of left) {
        waiting.add(one.destinationId)
        if (one.ordered) ordered.add(one.destinationId)
        wake(one.destinationId)
      }
      // What waits in order may have waited for this run.
      for (const id of ordered) wake(id)
    },
    full: () => [...underWay.keys()].filter(isFull),
    begin(id) {
      if (isFull(id)) return false
      underWay.set(id, (underWay.get(id) ?? 0) + 1)
      return true
    },
    ended({ destinationId: id, keyed }) {
      const count = (underWay.get(id) ?? 1) - 1
      if (count > 0) underWay.set(id, count)
      else underWay.delete(id)
      if (keyed || waiting.has(id) || ruleOf(id).exact) wake(id)
    },
    stoodBack(id) {
      waiting.add(id)
      wake(id)
    },
    wake,
    dueIn: setClock,
    async close() {
      closing = true
      clearTimeout(clock)
      for (const alarm of alarms.values()) clearTimeout(alarm)
      // A database that hangs would never let them end.
      await within(CLOSE_MS, Promise.all([releasing, ticking])).catch(() => {})
    },
  }
}
