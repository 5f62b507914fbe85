/** Nothing of a round outlives it, however it ends: a second process cleans up when the first is gone. */
import { type ChildProcess, fork } from 'node:child_process'
import { chmod, mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Guard {
  /** The folder for everything that the round writes; removed at the end. */
  scratch: string
  /** Ends this process when the round is gone. */
  watch(child: ChildProcess): void
  /** Lets these go on when the round is gone: what is frozen could never end. */
  thaw(pids: readonly number[]): void
  /** A folder on which something is mounted. */
  unmount(folder: string): void
  /** Cleans up; resolves when nothing is left. */
  close(): Promise<void>
}

export type GuardOrder =
  | { order: 'watch' | 'forget'; pid: number }
  | { order: 'thaw'; pids: readonly number[] }
  | { order: 'unmount'; folder: string }

export async function startGuard(): Promise<Guard> {
  const scratch = await realpath(await mkdtemp(path.join(tmpdir(), 'sluice-chaos-')))
  // PostgreSQL runs as another user where this one is root, and has to pass.
  await chmod(scratch, 0o711)
  const program = fileURLToPath(new URL('guard-program.ts', import.meta.url))
  const child = fork(program, [scratch], { detached: true, execArgv: [] })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const order = (given: GuardOrder) => void (child.connected && child.send(given))
  return {
    scratch,
    watch(watched) {
      const { pid } = watched
      if (pid === undefined) return
      order({ order: 'watch', pid })
      watched.once('exit', () => order({ order: 'forget', pid }))
    },
    thaw: (pids) => order({ order: 'thaw', pids }),
    unmount: (folder) => order({ order: 'unmount', folder }),
    async close() {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}
