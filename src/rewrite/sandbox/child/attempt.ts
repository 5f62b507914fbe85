import type ivm from 'isolated-vm'
import type { End } from '../protocol.ts'
import { messageOf } from './compile.ts'

export interface Attempt {
  end: Extract<End, 'settled' | 'out_of_cpu' | 'out_of_time' | 'out_of_memory' | 'fault'>
  /** What isolated-vm said, if it complained; for an out-of-time end the line where the code was stopped. */
  message: string
  cpuMs: number
}

const TIMED_OUT = 'Script execution timed out.'
/** isolated-vm's timer and this clock may differ by so much. */
const CLOCK_SLACK_MS = 2

/**
 * Runs a stranger's code on a thread of isolated-vm's, this thread staying free to watch. Ends after `timeoutMs` on
 * the clock, after which the isolate can still be asked; or after `cpuMs` of processor time, by disposing it.
 *
 * The processor time is the whole process's, so the collector's threads count too.
 */
export async function attempt(
  isolate: ivm.Isolate,
  limits: { timeoutMs: number; cpuMs: number; fileName: string },
  start: (timeoutMs: number) => Promise<unknown>,
): Promise<Attempt> {
  const startedAt = performance.now()
  const watch = watchCpu(limits.cpuMs, () => isolate.dispose())
  const timeoutMs = Math.max(1, Math.ceil(limits.timeoutMs))
  const complaint = await start(timeoutMs).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(messageOf(error))),
  )
  watch.stop()
  const cpuMs = watch.usedMs()
  const hasTimedOut =
    complaint?.message === TIMED_OUT && performance.now() - startedAt >= timeoutMs - CLOCK_SLACK_MS
  if (watch.hasFired()) return { end: 'out_of_cpu', message: '', cpuMs }
  if (isolate.isDisposed) return { end: 'out_of_memory', message: '', cpuMs }
  if (hasTimedOut) return { end: 'out_of_time', message: stoppedAtLine(complaint, limits.fileName), cpuMs }
  return { end: complaint ? 'fault' : 'settled', message: complaint?.message ?? '', cpuMs }
}

/** The innermost line of the function's own file in the stack that isolated-vm took when it stopped the code. */
function stoppedAtLine(error: Error, fileName: string): string {
  const [, behind = ''] = (error.stack ?? '').split(`${fileName}:`)
  return /^[1-9][0-9]*/.exec(behind)?.[0] ?? ''
}

interface CpuWatch {
  usedMs(): number
  stop(): void
  hasFired(): boolean
}

function watchCpu(cpuMs: number, onOver: () => void): CpuWatch {
  const before = process.cpuUsage()
  const usedMs = (): number => {
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1_000
  }
  let fired = false
  const look = (): void => {
    const leftMs = cpuMs - usedMs()
    if (leftMs > 0) {
      timer = setTimeout(look, leftMs)
      return
    }
    fired = true
    onOver()
  }
  let timer = setTimeout(look, cpuMs)
  return { usedMs, stop: () => clearTimeout(timer), hasFired: () => fired }
}
