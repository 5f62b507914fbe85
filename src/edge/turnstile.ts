/** Lets so many at a time through; who comes while they are at it waits for his turn. */
export interface Turnstile {
  /** Undefined when too many wait already. */
  pass<Result>(work: () => Promise<Result>): Promise<Result> | undefined
}

export function createTurnstile(atOnceMax: number, waitingMax: number): Turnstile {
  const waiting: (() => void)[] = []
  let inside = 0

  async function enter<Result>(work: () => Promise<Result>): Promise<Result> {
    if (inside >= atOnceMax) await new Promise<void>((resolve) => waiting.push(resolve))
    else inside += 1
    try {
      return await work()
    } finally {
      // Whoever is next takes this one's place.
      const next = waiting.shift()
      if (next) next()
      else inside -= 1
    }
  }

  return { pass: (work) => (waiting.length >= waitingMax ? undefined : enter(work)) }
}
