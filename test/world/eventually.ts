const PAUSE_MS = { least: 20, most: 250 }

/**
 * Asks until the answer is there, and fails with what was seen last after the deadline. Asks less often the longer it
 * takes, because the answers of many tests come from the same machine.
 */
export async function eventually<T>(question: () => T | Promise<T>, withinMs = 15_000): Promise<T> {
  const startedAt = performance.now()
  for (;;) {
    try {
      return await question()
    } catch (error) {
      const waitedMs = performance.now() - startedAt
      if (waitedMs > withinMs) throw error
      const pauseMs = Math.min(Math.max(waitedMs / 5, PAUSE_MS.least), PAUSE_MS.most)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}
