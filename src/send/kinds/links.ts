import type { Link } from './kind.ts'

export interface LinksOptions {
  /** To one destination at once. */
  linksMax?: number
  /** How long an unused link is kept, */
  idleMs?: number
  /** and how long any is, so that the name is looked up anew by and by. */
  ageMsMax?: number
}

export interface Taken<Held> {
  link: Held
  /** Whether it was opened for this delivery. */
  fresh: boolean
  /** Makes it free for the next delivery. */
  keep(): void
  /** Cuts it; instead of `keep`, when anything went wrong. */
  drop(): void
}

export interface Links<Held extends Link> {
  /** Waits for a free one when all are in use; rejects with the signal's reason. */
  take(key: string, open: () => Promise<Held>, signal: AbortSignal): Promise<Taken<Held>>
  close(): void
}

interface Kept<Held> {
  link: Held
  openedAt: number
  idleTimer: NodeJS.Timeout | undefined
}

interface Shelf<Held> {
  idle: Kept<Held>[]
  /** Idle, in use and being opened. */
  count: number
  waiting: (() => void)[]
}

/** Keeps links open between deliveries, each under the key that it was opened for, and closes them when idle. */
export function createLinks<Held extends Link>(options: LinksOptions = {}): Links<Held> {
  const { linksMax = 8, idleMs = 10_000, ageMsMax = 600_000 } = options
  const shelves = new Map<string, Shelf<Held>>()
  let closed = false

  return {
    async take(key, open, signal) {
      for (;;) {
        signal.throwIfAborted()
        const shelf = shelfOf(key)
        const kept = takeIdle(key, shelf)
        if (kept) return taken(key, shelf, kept, false)
        // Links that were found dead may have taken their shelf with them.
        if (shelf.count < linksMax) return opened(key, shelfOf(key), open)
        await turn(shelf, signal)
      }
    },
    close() {
      closed = true
      for (const [key, shelf] of shelves) for (const kept of shelf.idle.splice(0)) leave(key, shelf, kept)
    },
  }

  function shelfOf(key: string): Shelf<Held> {
    const known = shelves.get(key)
    if (known) return known
    const shelf: Shelf<Held> = { idle: [], count: 0, waiting: [] }
    shelves.set(key, shelf)
    return shelf
  }

  function takeIdle(key: string, shelf: Shelf<Held>): Kept<Held> | undefined {
    for (let kept = shelf.idle.pop(); kept; kept = shelf.idle.pop()) {
      clearTimeout(kept.idleTimer)
      if (kept.link.isAlive() && performance.now() - kept.openedAt < ageMsMax) return kept
      leave(key, shelf, kept)
    }
    return undefined
  }

  async function opened(key: string, shelf: Shelf<Held>, open: () => Promise<Held>): Promise<Taken<Held>> {
    shelf.count += 1
    try {
      const link = await open()
      return taken(key, shelf, { link, openedAt: performance.now(), idleTimer: undefined }, true)
    } catch (error) {
      free(key, shelf)
      throw error
    }
  }

  function taken(key: string, shelf: Shelf<Held>, kept: Kept<Held>, fresh: boolean): Taken<Held> {
    let ended = false
    const once = (action: () => void) => () => {
      if (!ended) action()
      ended = true
    }
    return {
      link: kept.link,
      fresh,
      keep: once(() => {
        if (closed || !kept.link.isAlive()) return leave(key, shelf, kept)
        kept.idleTimer = setTimeout(() => {
          shelf.idle.splice(shelf.idle.indexOf(kept), 1)
          leave(key, shelf, kept)
        }, idleMs).unref()
        shelf.idle.push(kept)
        shelf.waiting.shift()?.()
      }),
      drop: once(() => leave(key, shelf, kept)),
    }
  }

  function leave(key: string, shelf: Shelf<Held>, { link, idleTimer }: Kept<Held>): void {
    clearTimeout(idleTimer)
    link.cut()
    free(key, shelf)
  }

  function free(key: string, shelf: Shelf<Held>): void {
    shelf.count -= 1
    shelf.waiting.shift()?.()
    if (shelf.count === 0 && shelf.waiting.length === 0) shelves.delete(key)
  }
}

/** Waits until a link is free or may be opened. Whoever is woken and cannot use it has woken nobody else: so each looks again. */
async function turn(shelf: { waiting: (() => void)[] }, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = () => {
    const at = shelf.waiting.indexOf(resolve)
    // Woken and ended in one moment: the turn goes to the next.
    if (at < 0) shelf.waiting.shift()?.()
    else shelf.waiting.splice(at, 1)
    reject(signal.reason)
  }
  shelf.waiting.push(resolve)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await promise
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
