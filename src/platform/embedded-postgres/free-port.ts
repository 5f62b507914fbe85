import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

// Below the ranges from which systems take the ports of outgoing connections (32768 on Linux, 49152 on macOS): a port
// that must be the same after a restart could otherwise be taken in between.
const PORT_MIN = 15_000
const PORT_MAX = 32_000
const TRIES_MAX = 100

/** A port on 127.0.0.1 that is free now; another process may still be faster, so its user must be ready to try again. */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = randomInt(PORT_MIN, PORT_MAX)
    if (await isFree(port)) return port
  }
  throw new Error(`No free port on 127.0.0.1 in ${TRIES_MAX} tries`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
