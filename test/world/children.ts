import { readdirSync, readFileSync } from 'node:fs'

/** The processes that this one has started, whatever they do at the moment; none where there is no `/proc`. */
export function childrenOf(parent: number): number[] {
  return pids().filter((pid) => statOf(pid)?.parent === parent)
}

export function isAlive(pid: number): boolean {
  const state = statOf(pid)?.state
  return state !== undefined && state !== 'Z'
}

function pids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    // The name of the program, in parentheses, may hold anything.
    const [state = '', parent] =
      readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? []
    return { state, parent: Number(parent) }
  } catch {
    return undefined
  }
}
