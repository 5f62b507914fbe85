/** What goes into the sandbox and what comes out. */

/** Limits of one call. Every one of them ends the call as a failure; none of them harms another call. */
export interface FunctionLimits {
  /** Heap of the isolate. The process around it may use twice this and 64 MB more before it is killed. */
  memoryMb: number
  /** Processor time of the call, garbage collection included. */
  cpuMs: number
  /** Time on the clock, from the moment a sandbox process takes the call. */
  wallMs: number
  /** The returned `data` as JSON in UTF-8. */
  outputBytesMax: number
  logLinesMax: number
  logBytesMax: number
}

export interface FunctionCall {
  /** An isolate never serves two applications. */
  applicationId: string
  /** Hash of the source; within an isolate each version is compiled once. */
  version: string
  /** The body of the function; may use `await`. */
  source: string
  /** Stands in error messages and stack traces. */
  name: string
  /** Exact JSON text of `{ job, integration, currentNode }`. */
  jobData: string
  limits: FunctionLimits
  /** Without it `fetchUrl` is off. */
  ask?: AskOutside | undefined
}

/**
 * Answers what a function asks of the world outside. The question comes from a process that strangers' code may have
 * taken over. The signal ends with the call, or a moment before its time on the clock is over. Never rejects.
 */
export type AskOutside = (question: string, signal: AbortSignal) => Promise<string>

export interface ExpressionCall {
  applicationId: string
  limits: FunctionLimits
  /** JSONata. */
  expressions: readonly string[]
  /** Exact JSON text that every expression reads. */
  input: string
}

export const LOG_LEVELS = ['log', 'info', 'warn', 'error', 'debug', 'note'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** One line of a function's log. `note` is Sluice speaking, the other levels are the function's own. */
export interface LogLine {
  level: LogLevel
  text: string
}

export interface Usage {
  cpuMs: number
  wallMs: number
}

export const FAILURE_REASONS = [
  /** `jobStatus` was not 1. */
  'said_no',
  'threw',
  /** It threw because something outside did not answer as it should, and may do so another time. */
  'call_failed',
  'no_return',
  /** Something was returned that cannot be read or written as JSON. */
  'bad_return',
  'syntax',
  'timed_out',
  /** Waits for a promise that nothing will ever settle. */
  'never_settled',
  'out_of_memory',
  'output_too_large',
  /** Its process died under it, and did so again when the call was repeated. */
  'crashed',
] as const
export type FailureReason = (typeof FAILURE_REASONS)[number]

export type FunctionOutcome =
  | { ok: true; message: string; data: string | undefined; log: LogLine[]; usage: Usage }
  | { ok: false; reason: FailureReason; message: string; log: LogLine[]; usage: Usage }

export type ExpressionOutcome = { ok: true; value: string | undefined } | { ok: false; message: string }

/** Lines and columns count from 1; absent where the parser gives no place. */
export type SyntaxVerdict = { ok: true } | { ok: false; message: string; line?: number; column?: number }

export const SOURCE_CHARS_MAX = 262_144
