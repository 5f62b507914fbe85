/** Waits until the conductor closes the channel, or is gone, and ends and removes whatever it left. */
import { rmSync } from 'node:fs'
import { endServers } from '../../test/world/scratch.ts'
import type { GuardOrder } from './guard.ts'
import { signalAll } from './process-table.ts'
import { unmount } from './small-disk.ts'

const scratch = process.argv[2] ?? ''
const watched = new Set<number>()
const frozen = new Set<number>()
const mounted = new Set<string>()

process.on('message', (given: GuardOrder) => {
  if ('folder' in given) mounted.add(given.folder)
  else if ('pids' in given) for (const pid of given.pids) frozen.add(pid)
  else if (given.order === 'watch') watched.add(given.pid)
  else watched.delete(given.pid)
})

process.once('disconnect', () => {
  void cleanUp().finally(() => process.exit())
})

// The terminal's Ctrl-C is for the conductor.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

async function cleanUp(): Promise<void> {
  signalAll([...frozen], 'SIGCONT')
  signalAll([...watched], 'SIGKILL')
  await endServers(scratch)
  for (const folder of mounted) {
    try {
      unmount(folder)
    } catch {
      // It was unmounted in order.
    }
  }
  rmSync(scratch, { recursive: true, force: true, maxRetries: 10 })
}
