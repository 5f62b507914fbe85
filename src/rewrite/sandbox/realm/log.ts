import type { LogLevel, LogLine } from '../contract.ts'
import { copyList, slice } from './primordials.ts'
import { fitUtf8, printArguments } from './print.ts'

/** The log of one call, within its limits: the line that goes over is cut, later ones are only counted. */
export interface Log {
  write(level: LogLevel, values: readonly unknown[]): void
  /** Every kept line, and a note when lines were lost. */
  lines(): LogLine[]
}

export function createLog(linesMax: number, bytesMax: number): Log {
  const kept: LogLine[] = []
  let bytesLeft = bytesMax
  let isFull = false
  let lost = 0

  return {
    write(level, values) {
      if (isFull || kept.length >= linesMax) {
        lost += 1
        return
      }
      const text = printArguments(values, bytesLeft)
      const fit = fitUtf8(text, bytesLeft)
      isFull = fit.units < text.length
      bytesLeft -= fit.bytes
      kept[kept.length] = { level, text: isFull ? `${slice(text, 0, fit.units)}…` : text }
    },
    lines() {
      const lines = copyList(kept)
      if (isFull || lost > 0) lines[lines.length] = { level: 'note', text: limitNote(isFull, lost, bytesMax) }
      return lines
    },
  }
}

/** Puts the log behind `console`; methods not named here do nothing. */
export function installConsole(log: Log): void {
  const target = globalThis.console as unknown as Record<string, unknown>
  const levels: Record<string, LogLevel> = {
    log: 'log',
    info: 'info',
    warn: 'warn',
    error: 'error',
    debug: 'debug',
    trace: 'debug',
    dir: 'log',
    table: 'log',
    group: 'log',
  }
  for (const method of Object.keys(levels)) {
    const level = levels[method] as LogLevel
    target[method] = (...values: unknown[]) => log.write(level, values)
  }
  target.assert = (holds: unknown, ...values: unknown[]) => {
    if (!holds) log.write('error', ['Assertion failed', ...values])
  }
}

function limitNote(isFull: boolean, lost: number, bytesMax: number): string {
  const limit = isFull ? `${bytesMax} bytes` : 'its number of lines'
  return `the log has reached its limit (${limit}); ${lost} later ${lost === 1 ? 'line was' : 'lines were'} dropped`
}
