import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { inject } from 'vitest'
import { isRunning } from '../../src/platform/embedded-postgres/process-table.ts'
import { copyCluster } from '../world/made-cluster.ts'

export const PROGRAM = fileURLToPath(new URL('./embedded-postgres-program.ts', import.meta.url))

/** Where `bin/sluice.js` keeps it too: a start takes half of the time with it. */
const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/sluice', import.meta.url))

/** A line that the program told. */
export interface Fact {
  url?: string
  refused?: string
  name?: string
  closed?: true
  signal?: string
  log?: string
  pid?: number
  loss?: { sentence: string; isFinal: boolean }
  regained?: true
}

export interface Started {
  pid: number
  facts: Fact[]
  /** Waits for a fact that passes, among those told already and those to come. */
  fact(passes: (fact: Fact) => unknown): Promise<Fact>
  /** The address, or the refusal as an error. */
  url(): Promise<string>
  stop(): Promise<void>
  kill9(): Promise<void>
}

export interface StartOptions {
  env?: Record<string, string>
  searchPath?: string
  uid?: number
  program?: string
  execPath?: string
}

const started: { child: ChildProcess; ended: Promise<unknown> }[] = []
const homes: string[] = []

/** A folder that only its owner can enter, as `mktemp -d` makes it. */
export async function newHome(...below: string[]): Promise<string> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'sluice-embedded-')))
  const home = path.join(folder, ...below, 'home')
  homes.push(home)
  return home
}

/** One that was worked on before. */
export async function madeHome(): Promise<string> {
  const home = await newHome()
  await copyCluster(inject('madeHome'), home)
  return home
}

/** Starts the program on `home`, in a process group of its own as a shell does. */
export function start(home: string, options: StartOptions = {}): Started {
  const { program = PROGRAM, execPath = process.execPath, searchPath, env = {}, uid } = options
  const child = spawn(execPath, [program, home, ...(searchPath ? [searchPath] : [])], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: COMPILED, ...env },
    ...(uid === undefined ? {} : { uid, gid: uid, cwd: '/' }),
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  started.push({ child, ended })
  const facts: Fact[] = []
  let rest = ''
  child.stdout?.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) facts.push(JSON.parse(line))
  })
  const fact = (passes: (fact: Fact) => unknown) =>
    eventually(
      () => facts.find(passes),
      () => `No such fact among ${JSON.stringify(facts)}`,
    )
  return {
    pid: child.pid ?? 0,
    facts,
    fact,
    url: async () => {
      const told = await fact((one) => one.url ?? one.refused)
      if (told.url === undefined) throw new Error(told.refused)
      return told.url
    },
    stop: async () => {
      child.stdin?.end()
      await ended
    },
    kill9: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} })
  try {
    return await sql.unsafe(text)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** Polls until something is found. */
export async function eventually<T>(
  look: () => T | undefined | null | Promise<T | undefined | null>,
  complaint: () => string = () => 'It did not happen in time',
): Promise<T> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== null) return found
    if (Date.now() > deadline) throw new Error(complaint())
    await wait(20)
  }
}

/** The id of the server on this home, once its lock file has it. */
export function serverPid(home: string): Promise<number> {
  return eventually(() => lockedPid(home))
}

async function lockedPid(home: string): Promise<number | null> {
  const text = await readFile(path.join(home, 'postgres/data/postmaster.pid'), 'utf8').catch(() => '')
  return Number(text.split('\n')[0]) || null
}

/** A process that ends is there a moment longer than what it did. */
export function untilEnded(pid: number): Promise<true> {
  return eventually(
    async () => ((await isRunning(pid)) ? null : true),
    () => `Process ${pid} goes on`,
  )
}

/** Ends every program and every server of this test file, and removes their folders. */
export async function cleanUp(): Promise<void> {
  for (const { child, ended } of started.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  }
  for (const home of homes.splice(0)) {
    const pid = await lockedPid(home)
    if (pid !== null && (await isRunning(pid))) {
      process.kill(pid, 'SIGQUIT')
      await untilEnded(pid).catch(() => process.kill(pid, 'SIGKILL'))
    }
    const folder = home.slice(0, home.indexOf(path.sep, path.join(await realpath(tmpdir()), 'x').length))
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
