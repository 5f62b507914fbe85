import { setTimeout as pause } from 'node:timers/promises'
import type { Journal, KeptRecord, Refused } from '../../journal/journal.ts'
import { LedgerUnavailable } from '../../ledger/ledger.ts'
import type { Log } from '../../platform/log.ts'
import { type BringInOptions, bringIn } from './bring-in.ts'
import { hasRecords, type OpenedJournal } from './journals.ts'

/** Brings what the journals hold into the ledger, and new requests back to it. */
export interface BringBack {
  /** Works, if it does not already, until no journal holds anything and requests go to the ledger. */
  begin(): void
  /** While the last of the journal is brought in: resolves a moment later. Undefined at other times. */
  held(): Promise<void> | undefined
  /** Stops within a moment; what is under way then will be done again. */
  close(): Promise<void>
}

export interface BringBackOptions {
  /** Written into by this process. */
  own: OpenedJournal | undefined
  /** Left by others; changed by their owner while this works. */
  left: readonly OpenedJournal[]
  /** What is being appended to `own` at this moment. */
  appending: ReadonlySet<Promise<unknown>>
  bringing: BringInOptions
  /** A ledger that takes longer is one that new requests should not go to. */
  slowMs: number
  heldMsMax: number
  /** Whether requests go to the journal. */
  isAway(): boolean
  /** Whether the ledger may be written to yet. */
  isReady(): boolean
  /** Called when the journal is empty, and stays so if requests go to the ledger from this moment. */
  onEmpty(brought: { taken: number; setAside: number }): Promise<void> | void
  log: Log
}

const PAUSE_MS_MIN = 250
const PAUSE_MS_MAX = 2_000
/** With so few left, the rest is brought in while new requests are held. */
const HELD_RECORDS_MAX = 1_000
/** After requests were held in vain. */
const HELD_AGAIN_MS = 5_000

export function createBringBack(options: BringBackOptions): BringBack {
  const { own, left, appending, bringing, slowMs, heldMsMax, isAway, isReady, onEmpty, log } = options
  const stopping = new AbortController()
  const { signal } = stopping
  const brought = { taken: 0, setAside: 0 }
  let pauseMs = PAUSE_MS_MIN
  let tookMs = 0
  let moved = 0
  let holding: PromiseWithResolvers<void> | undefined
  let heldAgainAtMs = 0
  let working: Promise<void> | undefined
  const unreadable = new Set<Journal>()

  /** The pause grows as long as nothing is brought in, and is not forgotten by one that begins anew. */
  async function work(): Promise<void> {
    while (!signal.aborted && (isAway() || hasRecords(own ? [own, ...left] : left))) {
      await pause(pauseMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      const hasMoved = isReady() && (await tryToBringIn())
      pauseMs = hasMoved ? PAUSE_MS_MIN : Math.min(2 * pauseMs, PAUSE_MS_MAX)
    }
  }

  /** What others left is older than what is ours. Gives whether anything was brought in. */
  async function tryToBringIn(): Promise<boolean> {
    const before = moved
    let isThere = true
    for (const one of left) isThere &&= await tryOne(one, () => one.journal.drain(take, signal))
    if (own && isThere) await tryOne(own, () => handBack(own))
    letGo()
    return moved > before
  }

  /** False when the ledger is away, which was told when it began. One that cannot be read keeps no other waiting. */
  async function tryOne({ name, journal }: OpenedJournal, drain: () => Promise<unknown>): Promise<boolean> {
    try {
      await drain()
      unreadable.delete(journal)
      return true
    } catch (error) {
      if (error instanceof LedgerUnavailable) return false
      if (!unreadable.has(journal))
        log.error({ err: error, journal: name }, 'the journal cannot be drained, it is tried again')
      unreadable.add(journal)
      return true
    }
  }

  async function handBack(opened: OpenedJournal): Promise<void> {
    const { journal } = opened
    // A disk that hangs would not let a drain end, though there is nothing to drain.
    if (journal.depth().records > 0) await journal.drain(takeOwn, signal)
    while (holding && isUsed(opened)) {
      await Promise.allSettled(appending)
      await journal.drain(take, signal)
    }
    if (isUsed(opened) || signal.aborted) return
    await onEmpty({ ...brought })
    Object.assign(brought, { taken: 0, setAside: 0 })
  }

  function isUsed({ journal }: OpenedJournal): boolean {
    return appending.size > 0 || journal.depth().records > 0
  }

  async function take(records: KeptRecord[]): Promise<Refused[]> {
    const startedAtMs = performance.now()
    const refused = await orStop(bringIn(records, bringing), signal)
    tookMs = performance.now() - startedAtMs
    moved += records.length
    brought.taken += records.length - refused.length
    brought.setAside += refused.length
    return refused
  }

  async function takeOwn(records: KeptRecord[]): Promise<Refused[]> {
    const refused = await take(records)
    const recordsLeft = (own?.journal.depth().records ?? 0) - records.length
    // A ledger that is slow would have requests go back and forth.
    if (recordsLeft <= HELD_RECORDS_MAX && tookMs < slowMs) hold()
    return refused
  }

  /** For a moment at most: whoever is held waits for his answer. */
  function hold(): void {
    if (holding || performance.now() < heldAgainAtMs) return
    holding = Promise.withResolvers()
    heldAgainAtMs = performance.now() + HELD_AGAIN_MS
    setTimeout(letGo, heldMsMax)
  }

  function letGo(): void {
    holding?.resolve()
    holding = undefined
  }

  return {
    begin() {
      if (signal.aborted) return
      working ??= work().finally(() => {
        working = undefined
      })
    },
    held: () => holding?.promise,
    async close() {
      stopping.abort()
      await working
    },
  }
}

/** What is still under way counts as not done: it will be done again, which changes nothing. */
async function orStop<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = () => reject(new LedgerUnavailable('Sluice is stopping'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
