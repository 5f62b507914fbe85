export interface FailedKeys {
  /**
   * Asked before a key is looked at, for a place in the allowance of its source.
   *
   * @param key its hash
   * @returns for how long the source has to wait; 0 when the key may be looked at
   */
  take(source: string, key: string): number
  /** The key was right, and gives its place back. */
  passed(source: string, key: string): void
  /** The key was wrong, perhaps no longer right. */
  failed(source: string, key: string): void
}

/** Sources can be invented, and must not fill the memory; those that were heard of longest ago are forgotten. */
const SOURCES_MAX = 10_000
const KNOWN_MAX = 10_000

interface Allowance {
  left: number
  at: number
}

/**
 * Limits how many wrong keys a source may try: so many at once, and then so many a minute. A key that was right from
 * the same source before is always looked at, so that whoever shares an address with somebody who guesses (one office,
 * one proxy) is not locked out by them.
 *
 * @param now milliseconds that never go back
 */
export function createFailedKeys(perMinute: number, now: () => number): FailedKeys {
  const allowances = new Map<string, Allowance>()
  const known = new Set<string>()
  const refillMs = 60_000 / perMinute

  function allowanceOf(source: string): Allowance {
    const at = now()
    const { left, at: before } = allowances.get(source) ?? { left: perMinute, at }
    return { left: Math.min(perMinute, left + (at - before) / refillMs), at }
  }

  function keep(source: string, allowance: Allowance): void {
    allowances.delete(source)
    if (allowance.left < perMinute) allowances.set(source, allowance)
    forgetOldest(allowances, SOURCES_MAX)
  }

  return {
    take(source, key) {
      if (known.has(pair(source, key))) return 0
      const { left, at } = allowanceOf(source)
      if (left < 1) return Math.ceil((1 - left) * refillMs)
      keep(source, { left: left - 1, at })
      return 0
    },
    passed(source, key) {
      const place = pair(source, key)
      const wasKnown = known.delete(place)
      known.add(place)
      forgetOldest(known, KNOWN_MAX)
      if (wasKnown) return
      const { left, at } = allowanceOf(source)
      keep(source, { left: left + 1, at })
    },
    failed(source, key) {
      known.delete(pair(source, key))
    },
  }
}

function pair(source: string, key: string): string {
  return `${source} ${key}`
}

function forgetOldest(kept: Map<string, unknown> | Set<string>, max: number): void {
  const oldest = kept.keys().next().value
  if (kept.size > max && oldest !== undefined) kept.delete(oldest)
}
