import type { ChildProcess } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import type { Guard } from './guard.ts'

/** A process that is started again when it ends, as a service manager does it, unless a fault keeps it down. */
export interface Supervised {
  readonly name: string
  /** Undefined while it is down. */
  pid(): number | undefined
  /** Ends it, `SIGKILL` at once or `SIGTERM` in its own time, and keeps it down until what it gives is called. */
  keepDown(signal: 'SIGKILL' | 'SIGTERM'): Promise<() => void>
  /** @throws when it does not get ready within the time. */
  whenReady(withinMs: number): Promise<void>
  /** How it ended when nobody had told it to. */
  surprises(): string[]
  close(): Promise<void>
}

export interface SupervisedOptions {
  name: string
  start(): ChildProcess
  isReady(): Promise<boolean>
  guard: Guard
}

const RESTART_PAUSE_MS = 500
const POLL_MS = 50

export function supervise({ name, start, isReady, guard }: SupervisedOptions): Supervised {
  const surprises: string[] = []
  let child: ChildProcess | undefined
  let ended: Promise<void> = Promise.resolve()
  let keepers = 0
  let closed = false
  let ready = false

  function run(): void {
    if (closed || keepers > 0 || child) return
    const started = start()
    child = started
    guard.watch(started)
    const end = Promise.withResolvers<void>()
    ended = end.promise
    started.once('error', end.resolve)
    started.once('exit', (code, signal) => {
      child = undefined
      // What cannot start while its servers are away says so and ends: that is as it should be.
      if (ready && keepers === 0 && !closed) surprises.push(`${name} ended with ${signal ?? code}`)
      ready = false
      end.resolve()
      setTimeout(run, RESTART_PAUSE_MS)
    })
    void noticeReady(started)
  }

  async function noticeReady(started: ChildProcess): Promise<void> {
    while (child === started && !(await isReady())) await pause(POLL_MS)
    if (child === started) ready = true
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    child?.kill(signal)
    // One that was frozen hears of a SIGTERM only when it goes on.
    child?.kill('SIGCONT')
    await ended
  }

  run()
  return {
    name,
    pid: () => child?.pid,
    async keepDown(signal) {
      keepers += 1
      await end(signal)
      let isKept = true
      return () => {
        if (!isKept) return
        isKept = false
        keepers -= 1
        run()
      }
    },
    async whenReady(withinMs) {
      const deadline = performance.now() + withinMs
      while (!ready) {
        if (performance.now() > deadline) throw new Error(`${name} was not ready within ${withinMs} ms`)
        await pause(POLL_MS)
      }
    },
    surprises: () => surprises,
    async close() {
      closed = true
      await end('SIGKILL')
    },
  }
}
