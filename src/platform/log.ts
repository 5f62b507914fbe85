import { destination, type Logger, pino } from 'pino'

export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child'>

/** Lines are written in blocks of this size, or after {@link FLUSH_MS}: a system call for each would slow the acks. */
const BLOCK_BYTES = 4_096
const FLUSH_MS = 100

/**
 * One JSON line per unit of work on standard output; errors with their stack under `err`. What is still in memory
 * is written when the process ends by itself, also after an exception.
 */
export function createLog(level: string): Logger {
  const stream = destination({ fd: 1, sync: false, minLength: BLOCK_BYTES, periodicFlush: FLUSH_MS })
  process.once('exit', () => stream.flushSync())
  return pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    stream,
  )
}
