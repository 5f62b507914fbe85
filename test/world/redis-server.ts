import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { findFreePort } from '../../src/platform/embedded-postgres/free-port.ts'

export interface RedisServer {
  url: string
  port: number
  /** Another one after each restart. */
  pid(): number
  /** As by a loss of power: what was not on disk is gone. */
  kill9(): Promise<void>
  /** Ends it in order. */
  stop(): Promise<void>
  /** On the same port and with the same files; ends it in order first if it runs. */
  restart(): Promise<void>
}

export interface RedisServerOptions {
  /** The program. */
  path: string
  /** Its folder is made below this one. */
  scratch: string
  /** Added to the command line and stronger than our own: `['--appendonly', 'yes']`. */
  args?: string[]
}

const READY_WAIT_MS = 10_000
const PORT_TRIES_MAX = 5

/** Starts a Redis on a free port of 127.0.0.1 that, unless told otherwise, keeps nothing on disk. */
export async function launchRedis(options: RedisServerOptions): Promise<RedisServer> {
  const folder = await mkdtemp(path.join(options.scratch, 'redis-'))
  for (let tries = 1; ; tries++) {
    const port = await findFreePort()
    try {
      return manage(options, folder, port, await launch(options, folder, port))
    } catch (error) {
      if (tries === PORT_TRIES_MAX) throw error
    }
  }
}

function manage(options: RedisServerOptions, folder: string, port: number, first: ChildProcess): RedisServer {
  let child = first
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: () => child.pid ?? 0,
    kill9: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    restart: async () => {
      await end('SIGTERM')
      child = await launch(options, folder, port)
    },
  }
}

async function launch(options: RedisServerOptions, folder: string, port: number): Promise<ChildProcess> {
  const own = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--daemonize', 'no']
  const lean = [
    '--save',
    '',
    '--appendonly',
    'no',
    '--maxmemory-policy',
    'noeviction',
    '--loglevel',
    'warning',
  ]
  // A group of its own: Ctrl-C in the terminal is for the suite, which ends it at last.
  const child = spawn(options.path, [...own, ...lean, ...(options.args ?? [])], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  killAtExit(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said = (said + chunk).slice(-2_000)
    })
  }
  let failure: string | null = null
  child.once('error', (error) => {
    failure = error.message
  })
  await writeFile(path.join(folder, 'redis.pid'), `${child.pid}\n`)
  const deadline = Date.now() + READY_WAIT_MS
  while (!(await answersPing(port))) {
    const isGone = failure !== null || child.exitCode !== null || child.signalCode !== null
    if (isGone || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`${options.path} did not start on port ${port}: ${failure ?? said}`)
    }
    await wait(20)
  }
  // Another server on this port would answer as well, while ours is about to give up.
  if (child.exitCode !== null) throw new Error(`${options.path} did not start on port ${port}: ${said}`)
  child.unref()
  for (const stream of [child.stdout, child.stderr]) (stream as unknown as { unref(): void }).unref()
  return child
}

const running = new Set<ChildProcess>()

/** One listener for however many servers, and none for those that have ended. */
function killAtExit(child: ChildProcess): void {
  if (running.size === 0) process.on('exit', killRunning)
  running.add(child)
  child.once('exit', () => {
    running.delete(child)
    if (running.size === 0) process.off('exit', killRunning)
  })
}

function killRunning(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** A Redis that still loads its files answers with an error instead. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('PING\r\n'))
    socket.setTimeout(1_000, () => settle(false))
    socket.once('error', () => settle(false))
    socket.once('data', (answer) => settle(answer.toString().startsWith('+PONG')))
    const settle = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
  })
}
