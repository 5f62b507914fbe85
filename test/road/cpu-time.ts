import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** The processor time that a process uses in the next so many milliseconds; 0 where there is no `/proc`. */
export async function cpuMsOf(pid: number, forMs: number): Promise<number> {
  const before = ticksOf(pid)
  await wait(forMs)
  return ((ticksOf(pid) - before) / TICKS_PER_SECOND) * 1_000
}

function ticksOf(pid: number): number {
  if (process.platform !== 'linux') return 0
  // The name of the program, in parentheses, may hold anything.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}
