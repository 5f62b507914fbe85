import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'

const LAUNCHER = path.join(import.meta.dirname, '../../bin/sluice.js')

export interface SpawnOptions {
  role: 'edge' | 'worker' | 'all'
  /** Away from the repository, whose .env and .sluice are somebody else's. */
  cwd: string
  /** The whole environment, but for PATH. */
  env: Record<string, string>
  /** For Node, before the program. */
  nodeOptions?: string[]
  /** Where both streams go; unless given, they are pipes. */
  log?: number
  /** In a group of its own, which Ctrl-C in the terminal does not reach. */
  detached?: boolean
}

/** `sluice start --role …` as a process of its own, with nothing in its environment but what is given. */
export function spawnSluice({ role, cwd, env, nodeOptions = [], log, detached }: SpawnOptions): ChildProcess {
  const output = log ?? 'pipe'
  return spawn(process.execPath, [...nodeOptions, LAUNCHER, 'start', '--role', role], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', output, output],
    detached: detached === true,
  })
}
