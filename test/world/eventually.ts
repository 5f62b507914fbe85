/** Asks until the answer is there, and fails with what was seen last after the deadline. */
export async function eventually<T>(question: () => T | Promise<T>, withinMs = 15_000): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await question()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
}
