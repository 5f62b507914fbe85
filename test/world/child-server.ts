import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

export interface ChildServer {
  /** As by a loss of power. */
  kill9(): Promise<void>
  stop(): Promise<void>
  /** On the same port and with the same files. */
  restart(): Promise<void>
}

export interface ChildServerOptions {
  program: string
  args: string[]
  env?: Record<string, string>
  /** A folder right below the scratch folder, where a later run looks for what a killed one has left. */
  cwd: string
  port: number
  readyWaitMs: number
}

/** A server of the tests as a process of its own, which ends with this one at the latest. */
export async function launchChildServer(options: ChildServerOptions): Promise<ChildServer> {
  let child = await launch(options)
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    killGroup(child, signal)
    await ended
  }
  return {
    kill9: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async restart() {
      await end('SIGTERM')
      child = await launch(options)
    },
  }
}

async function launch({
  program,
  args,
  env,
  cwd,
  port,
  readyWaitMs,
}: ChildServerOptions): Promise<ChildProcess> {
  // A group of its own, so that what it starts ends with it, and Ctrl-C is for the suite alone.
  const how: SpawnOptions = {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  }
  const child = spawn(program, args, how)
  const atExit = () => killGroup(child, 'SIGKILL')
  process.once('exit', atExit)
  child.once('exit', () => process.off('exit', atExit))
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      said = (said + chunk).slice(-3_000)
    })
  child.once('error', (error) => {
    said += error.message
  })
  await writeFile(path.join(cwd, `child-${port}.pid`), `${child.pid}\n`)
  const deadline = Date.now() + readyWaitMs
  while (!(await listens(port))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      killGroup(child, 'SIGKILL')
      throw new Error(`${program} did not start on port ${port}: ${said}`)
    }
    await wait(50)
  }
  return child
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It has just ended.
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const settle = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
    socket.setTimeout(1_000, () => settle(false))
  })
}
