import type { Bench } from './world.ts'

/** What several processes write to at once; rotated while they do. */
export const SHARED = { kind: 'file' as const, name: 'orders.ndjson', bytesMax: 8_192 }

/** Sends each id to the shared file, and gives those that were delivered, each of which is told at once. */
export async function deliverOneByOne(
  bench: Bench,
  ids: readonly string[],
  tell: (deliveryId: string) => void = () => {},
): Promise<string[]> {
  const sent = await Promise.all(
    ids.map(async (deliveryId, at) => {
      // Not all in one turn: the lock is to change hands.
      await new Promise((resolve) => setTimeout(resolve, at * 5))
      const { verdict } = await bench.send(SHARED, { text: 'x'.repeat(200) }, { deliveryId })
      if (verdict.verdict !== 'delivered') return []
      tell(deliveryId)
      return [deliveryId]
    }),
  )
  return sent.flat()
}
