import type { BodyRoom } from './read-body.ts'

/**
 * Memory for bodies, from their first byte to the answer of their request. Many senders at once, each within his
 * limit, must not exhaust the process.
 */
export function createBodyMemory(bytesMax: number): () => BodyRoom & { release(): void } {
  let used = 0
  return () => {
    let taken = 0
    return {
      take(bytes) {
        if (used + bytes > bytesMax) return false
        used += bytes
        taken += bytes
        return true
      },
      release() {
        used -= taken
        taken = 0
      },
    }
  }
}
