/** A cache that forgets: what is too old, and what was least recently used once it is full. */
export interface ExpiringCache<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value, ttlMs: number): void
  size(): number
}

/** `now` gives milliseconds; only their differences count. */
export function createExpiringCache<Value>(entriesMax: number, now: () => number): ExpiringCache<Value> {
  // A Map keeps insertion order, so its first key is the one that was used longest ago.
  const entries = new Map<string, { value: Value; expiresAt: number }>()
  return {
    get(key) {
      const entry = entries.get(key)
      if (!entry) return undefined
      entries.delete(key)
      if (entry.expiresAt <= now()) return undefined
      entries.set(key, entry)
      return entry.value
    },
    set(key, value, ttlMs) {
      entries.delete(key)
      entries.set(key, { value, expiresAt: now() + ttlMs })
      if (entries.size > entriesMax) entries.delete(entries.keys().next().value ?? key)
    },
    size: () => entries.size,
  }
}
