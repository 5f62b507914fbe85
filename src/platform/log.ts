import { type Logger, pino } from 'pino'
import { createLineOutput, type LineOutput } from './line-output.ts'

export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child'>

const OUTPUT = {
  fd: 1,
  /** A system call for each line would slow the acks. */
  blockBytes: 4_096,
  flushMs: 100,
  waitingBytesMax: 4 * 1024 * 1024,
  lostLine: (count: number) =>
    `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), lines: count, msg: 'log lines were lost' })}\n`,
}

/**
 * One JSON line per unit of work on standard output, or another one; errors with their stack under `err`. What is still in memory
 * is written when the process ends by itself, also after an exception. A standard output that takes nothing (a full
 * disk, a closed terminal) stops nobody.
 */
export function createLog(level: string, fd = OUTPUT.fd): Logger {
  const output = fd === OUTPUT.fd ? standardOutput() : openOutput(fd)
  return pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    output,
  )
}

/** Text for people, in its turn among the lines of the log; as little as those does it stop anybody. */
export function print(text: string): void {
  standardOutput().write(text)
}

let standard: LineOutput | undefined

function standardOutput(): LineOutput {
  standard ??= openOutput(OUTPUT.fd)
  return standard
}

function openOutput(fd: number): LineOutput {
  const output = createLineOutput({ ...OUTPUT, fd })
  flushAtExit(output)
  return output
}

const flushed = new Set<LineOutput>()

/** One listener for all logs: whoever makes many in one process is not warned of a leak. */
function flushAtExit(output: LineOutput): void {
  if (flushed.size === 0) {
    process.once('exit', () => {
      for (const one of flushed) one.flushSync()
    })
  }
  flushed.add(output)
}
