/** Lets so many pieces of work through at a time; the others wait in the order in which they came. */
export interface Turnstile {
  pass<Result>(work: () => Promise<Result>): Promise<Result>
  waiting(): number
}

export function createTurnstile(atOnceMax: number): Turnstile {
  const waiting: (() => void)[] = []
  let free = atOnceMax
  return {
    async pass(work) {
      if (free > 0) free -= 1
      else await new Promise<void>((resolve) => waiting.push(resolve))
      try {
        return await work()
      } finally {
        // Whoever is next takes over this place.
        const next = waiting.shift()
        if (next) next()
        else free += 1
      }
    },
    waiting: () => waiting.length,
  }
}
