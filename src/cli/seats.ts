/** Places for work at once, which several queues share. */
export interface Seats {
  /** Does the work when there is a place for it, first come first served. */
  take<Result>(work: () => Promise<Result>): Promise<Result>
}

export function createSeats(count: number): Seats {
  const waiting: (() => void)[] = []
  let free = count
  return {
    async take(work) {
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
  }
}
