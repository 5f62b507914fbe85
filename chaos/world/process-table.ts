import { readdirSync, readFileSync } from 'node:fs'

/** Where the processes of the system can be looked up: on Linux. */
export const hasProcessTable = process.platform === 'linux'

/** The ids of the processes that this one has started and that still run. */
export function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent)
}

/** The words of its command line. */
export function commandOf(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split('\0')
}

/** To those that still run. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has ended.
    }
  }
}

function parentOf(pid: number): number {
  // The name in brackets may hold anything; state and parent follow it.
  return Number(/^\d+ \(.*\) \S (\d+) /s.exec(read(`/proc/${pid}/stat`))?.[1])
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
