/** Numbers that look random and are the same for the same seed, so that a round can be made again. */
export interface Chance {
  /** From 0 up to, not including, 1. */
  next(): number
  /** A number of milliseconds between the two. */
  between(min: number, max: number): number
  one<T>(of: readonly [T, ...T[]]): T
  shuffled<T>(of: readonly T[]): T[]
}

/** Mulberry32, by Tommy Ettinger: 32 bits of state, which is plenty for choosing among faults. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    between: (min, max) => min + next() * (max - min),
    one: (of) => of[Math.floor(next() * of.length)] ?? of[0],
    shuffled(of) {
      const rest = [...of]
      const drawn: (typeof rest)[number][] = []
      while (rest.length > 0) drawn.push(...rest.splice(Math.floor(next() * rest.length), 1))
      return drawn
    },
  }
}
