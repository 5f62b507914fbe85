export interface Volley<Outcome> {
  readonly count: number
  readonly concurrency: number
  /** Sends the request of this index, from 0. */
  send(index: number): Promise<Outcome>
  /** Called as each ends, in the order in which they do. */
  ended(outcome: Outcome, index: number, durationMs: number): void
  /** No other is begun once it says so; those under way are waited for. */
  readonly stop: AbortSignal
}

/** Sends many requests, so many at once. Gives how many were sent. */
export async function sendMany<Outcome>({
  count,
  concurrency,
  send,
  ended,
  stop,
}: Volley<Outcome>): Promise<number> {
  let next = 0
  async function line(): Promise<void> {
    while (next < count && !stop.aborted) {
      const index = next
      next += 1
      const begunMs = performance.now()
      const outcome = await send(index)
      ended(outcome, index, performance.now() - begunMs)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, line))
  return next
}
