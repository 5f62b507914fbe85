import type { ChildProcess } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import { inject } from 'vitest'
import { spawnSluice } from '../world/spawn-sluice.ts'

const READY_WAIT_MS = 45_000

export interface SluiceProcess {
  url: string
  pid: number
  /** Sends SIGTERM and gives the exit code. */
  stop(): Promise<number | null>
  kill9(): Promise<void>
  /** Resolves with its exit code, whoever ended it. */
  ended(): Promise<number | null>
  /** What it wrote, both streams. */
  said(): string
}

/** `sluice start --role …` as a process of its own, with nothing in its environment but what is given. */
export async function startProcess(
  role: 'edge' | 'worker',
  env: Record<string, string>,
): Promise<SluiceProcess> {
  const cwd = await mkdtemp(path.join(inject('scratch'), 'process-'))
  const child = spawnSluice({
    role,
    cwd,
    env: { SLUICE_HOME: path.join(cwd, 'home'), ...env, PORT: '0', LOG_LEVEL: 'info' },
  })
  const atExit = () => child.kill('SIGKILL')
  process.once('exit', atExit)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += chunk))
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  void exited.then(() => process.off('exit', atExit))
  const port = await readyPort(child, () => said)
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    said: () => said,
    ended: () => exited,
    stop() {
      child.kill('SIGTERM')
      return exited
    },
    async kill9() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function readyPort(child: ChildProcess, said: () => string): Promise<number> {
  const deadline = performance.now() + READY_WAIT_MS
  for (;;) {
    const ready = said()
      .split('\n')
      .find((line) => line.includes('"msg":"ready"'))
    if (ready !== undefined) return JSON.parse(ready).port
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error(`it did not start: ${said()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
