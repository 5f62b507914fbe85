import type { Sql, Transaction } from '../platform/postgres.ts'
import { TooLate, within } from '../platform/time-limit.ts'
import { createTurnstile } from '../platform/turnstile.ts'

/** What was looked for was not found in the time that a search may take, or had no turn within it. */
export class SearchTooLong extends Error {
  readonly secondsMax: number
  readonly hadTurn: boolean

  constructor(secondsMax: number, hadTurn: boolean, options?: ErrorOptions) {
    super(`a search took longer than ${secondsMax} s`, options)
    this.name = 'SearchTooLong'
    this.secondsMax = secondsMax
    this.hadTurn = hadTurn
  }
}

/** Nobody waits any more for what a search would find. */
export class SearchAbandoned extends Error {
  constructor() {
    super('nobody waits for this search any more')
    this.name = 'SearchAbandoned'
  }
}

/** How much later than PostgreSQL we end a search: it answers nothing at all where it hangs or the way to it is gone. */
const GRACE_MS = 2_000

export interface SearchesOptions {
  /** Others wait for their turn; less than the pool has connections, which are for the work. */
  atOnceMax: number
  secondsMax: number
}

export interface Searches {
  /**
   * Looks through what may be all there is, on a connection of its own.
   *
   * @param signal ends it where nobody waits for what it finds any more
   * @throws SearchTooLong, SearchAbandoned
   */
  find<T>(search: (transaction: Transaction) => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Takes the turn of a search for work that has to look for what it writes down, however long that takes. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
}

/**
 * People look for what they like, for as long as that takes, in the same database in which the work is done. So few
 * searches go on at a time, none on a connection on which something else could wait behind it, and each ends.
 */
export function createSearches(sql: Sql, { atOnceMax, secondsMax }: SearchesOptions): Searches {
  const turnstile = createTurnstile(atOnceMax)

  async function find<T>(search: (transaction: Transaction) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { result } = await sql.begin('read only', async (transaction) => {
      const [own] = await transaction<{ pid: number }[]>`
        SELECT pg_backend_pid() AS pid, set_config('statement_timeout', ${`${secondsMax}s`}, true)`
      const end = async () => void (await sql`SELECT pg_cancel_backend(${own?.pid ?? 0}::int)`)
      return { result: await whileWanted(() => search(transaction), end, signal) }
    })
    return result
  }

  return {
    find(search, signal) {
      const until = performance.now() + secondsMax * 1_000
      return turnstile.pass(async () => {
        requireWanted(signal)
        if (performance.now() > until) throw new SearchTooLong(secondsMax, false)
        try {
          return await within(secondsMax * 1_000 + GRACE_MS, find(search, signal))
        } catch (error) {
          requireWanted(signal)
          throw isEndedByTime(error) ? new SearchTooLong(secondsMax, true, { cause: error }) : error
        }
      })
    },
    inTurn: (work) => turnstile.pass(work),
  }
}

function requireWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new SearchAbandoned()
}

async function whileWanted<T>(
  work: () => Promise<T>,
  end: () => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<T> {
  requireWanted(signal)
  let ended: Promise<void> | undefined
  const onAbort = () => {
    ended = end().catch(() => {})
  }
  signal?.addEventListener('abort', onAbort)
  try {
    return await work()
  } finally {
    signal?.removeEventListener('abort', onAbort)
    // Or it would end what this connection is asked next.
    await ended
  }
}

/** Ours, or PostgreSQL's name for a statement that was ended. */
function isEndedByTime(error: unknown): boolean {
  return error instanceof TooLate || (error instanceof Error && 'code' in error && error.code === '57014')
}
