/** Sluice as its users have it: a process of its own, in a group of its own, on a home of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { eventually } from '../world/eventually.ts'
import { copyCluster } from '../world/made-cluster.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const LAUNCHER = path.join(ROOT, 'bin/sluice.js')

/** The search path without what npm puts in front of it. */
export const SYSTEM_PATH = (process.env.PATH ?? '')
  .split(path.delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(path.delimiter)

export interface Facts {
  url: string
  adminKey: string
  integrationId: string
  webhookUrl: string
  receivedUrl: string
}

export interface Sluice {
  pid: number
  stdout(): string
  stderr(): string
  /** What dev.json says once the program has told that it runs. */
  ready(): Promise<Facts>
  /** To this process alone. */
  signal(name: NodeJS.Signals): void
  /** To its whole group, as Ctrl-C in a terminal does. */
  signalGroup(name: NodeJS.Signals): void
  ended(): Promise<{ code: number | null; signal: string | null }>
}

export interface SluiceOptions {
  command?: string[]
  env?: Record<string, string>
  cwd?: string
}

const started: Sluice[] = []

/** A folder that the suite's end sweeps, with the PostgreSQL that may still run in it; its path holds a space. */
export function newHome(): Promise<string> {
  return mkdtemp(path.join(inject('scratch'), 'sluice home-'))
}

/** One that Sluice was started on before, so that it starts sooner; without the demo. */
export async function madeHome(): Promise<string> {
  const home = await newHome()
  await copyCluster(inject('madeHome'), home)
  return home
}

/** Starts it with nothing in its environment but a search path and what is given: no LANG, no HOME. */
export function startSluice(home: string, options: SluiceOptions = {}): Sluice {
  const [program = '', ...args] = options.command ?? [process.execPath, LAUNCHER, 'start']
  const child = spawn(program, args, {
    cwd: options.cwd ?? ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: SYSTEM_PATH, PORT: '0', SLUICE_HOME: home, ...options.env },
  })
  const sluice = watch(child, home)
  started.push(sluice)
  return sluice
}

/** Ends what a test left running. */
export async function endAll(): Promise<void> {
  for (const sluice of started.splice(0)) {
    sluice.signalGroup('SIGKILL')
    await sluice.ended()
  }
}

/** Runs a command of the program to its end, unless told otherwise on a home that is not there yet. */
export async function runSluice(args: string[], options: SluiceOptions & { home?: string } = {}) {
  const sluice = startSluice(options.home ?? path.join(await newHome(), 'not made'), {
    command: [process.execPath, LAUNCHER, ...args],
    ...options,
  })
  const { code } = await sluice.ended()
  return { code, stdout: sluice.stdout(), stderr: sluice.stderr() }
}

export async function postmasterPid(home: string): Promise<number | undefined> {
  const text = await readFile(path.join(home, 'postgres/data/postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number(text.split('\n')[0])
  return pid > 0 && isRunning(pid) ? pid : undefined
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

export async function modeOf(file: string): Promise<string> {
  return ((await stat(file)).mode & 0o777).toString(8)
}

function watch(child: ChildProcess, home: string): Sluice {
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
    })
  }
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  const pid = child.pid ?? 0
  const send = (target: number, name: NodeJS.Signals) => {
    try {
      process.kill(target, name)
    } catch {
      // It has ended.
    }
  }
  return {
    pid,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    async ready() {
      await eventually(() => {
        if (said.stdout.includes('Stop with Ctrl-C')) return
        throw new Error(`Sluice does not run: ${said.stdout}${said.stderr}`)
      }, 25_000)
      return JSON.parse(await readFile(path.join(home, 'dev.json'), 'utf8'))
    },
    signal: (name) => send(pid, name),
    signalGroup: (name) => send(-pid, name),
    async ended() {
      const [code, signal] = await closed
      return { code, signal }
    },
  }
}
