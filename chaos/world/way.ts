import net from 'node:net'

/**
 * - `open`: everything comes through.
 * - `refusing`: connections are cut, and no new one gets anywhere.
 * - `stalling`: connections stay and nothing comes through; what was held back does when it is open again.
 * - `losing answers`: the server hears everything, and nothing of what it answers comes back. Those that lost something
 *   are cut at the end.
 */
export type WayCondition = 'open' | 'refusing' | 'stalling' | 'losing answers'

/** The network between Sluice and its PostgreSQL. */
export interface Way {
  port: number
  be(condition: WayCondition): void
  /** Cuts what is connected at this moment. */
  cut(): void
  close(): Promise<void>
}

interface Pair {
  near: net.Socket
  far: net.Socket
  lost: boolean
}

/** @param to the port of the server on 127.0.0.1 */
export async function openWay(to: number): Promise<Way> {
  const pairs = new Set<Pair>()
  let condition: WayCondition = 'open'

  const server = net.createServer((near) => {
    if (condition === 'refusing') {
      near.resetAndDestroy()
      return
    }
    const pair: Pair = { near, far: net.connect(to, '127.0.0.1'), lost: false }
    pairs.add(pair)
    join(pair)
  })

  function join(pair: Pair): void {
    const { near, far } = pair
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        near.destroy()
        far.destroy()
        pairs.delete(pair)
      })
    }
    near.on('data', (chunk) => pass(chunk, near, far))
    far.on('data', (chunk) => {
      if (condition === 'losing answers') pair.lost = true
      else if (!pair.lost) pass(chunk, far, near)
    })
    if (condition === 'stalling') halt(pair)
  }

  /** With the back-pressure of the slower side. */
  function pass(chunk: Buffer, from: net.Socket, to: net.Socket): void {
    if (to.write(chunk)) return
    from.pause()
    to.once('drain', () => {
      if (condition !== 'stalling') from.resume()
    })
  }

  function halt({ near, far }: Pair): void {
    near.pause()
    far.pause()
  }

  function cut(which: (pair: Pair) => boolean): void {
    for (const pair of [...pairs].filter(which)) {
      pair.near.resetAndDestroy()
      pair.far.destroy()
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as net.AddressInfo).port,
    be(next) {
      condition = next
      if (next === 'refusing') cut(() => true)
      if (next === 'stalling') for (const pair of pairs) halt(pair)
      if (next !== 'open') return
      cut(({ lost }) => lost)
      for (const { near, far } of pairs) {
        near.resume()
        far.resume()
      }
    },
    cut: () => cut(() => true),
    async close() {
      cut(() => true)
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
