import { availableParallelism } from 'node:os'
import type { Log } from '../../platform/log.ts'
import { watchCallsOut } from './calls-out.ts'
import {
  type ExpressionCall,
  type ExpressionOutcome,
  type FunctionCall,
  type FunctionLimits,
  type FunctionOutcome,
  SOURCE_CHARS_MAX,
  type SyntaxVerdict,
} from './contract.ts'
import { createPool, type PoolEvent } from './pool.ts'
import type { Request } from './protocol.ts'
import { readExpressionOutcomes, readFunctionOutcome, readSyntaxVerdict } from './read-outcome.ts'
import { startSandboxProcess } from './sandbox-process.ts'

export type {
  AskOutside,
  ExpressionCall,
  ExpressionOutcome,
  FailureReason,
  FunctionCall,
  FunctionLimits,
  FunctionOutcome,
  LogLine,
  SyntaxVerdict,
} from './contract.ts'

/**
 * Runs strangers' code in disposable processes.
 *
 * Whatever a function does ends as an outcome. A promise is rejected only when the sandbox is closed or no sandbox
 * process can be started. Each call sees a language that no other call has touched.
 */
export interface Sandbox {
  call(call: FunctionCall): Promise<FunctionOutcome>
  /** Parses a function without running it. */
  check(source: string, name?: string): Promise<SyntaxVerdict>
  /**
   * Evaluates JSONata, one outcome for each expression, in order. Integers beyond 2^53 and numbers that no double
   * holds come out exactly when they are selected; reckoning with them is an error. The limits hold for all
   * expressions of the call together.
   */
  evaluate(call: ExpressionCall): Promise<ExpressionOutcome[]>
  /** Parses JSONata without evaluating it: one outcome for each expression, in order, none of them with a value. */
  checkExpressions(expressions: readonly string[]): Promise<ExpressionOutcome[]>
  /** The sandbox processes now running. */
  pids(): number[]
  close(): Promise<void>
}

export interface SandboxOptions {
  /** Sandbox processes at most; each works on one call at a time. Default: one for each core, no more than four. */
  processes?: number
  log?: Log
}

const PROCESSES_MAX = 4
const CHECK_LIMITS: FunctionLimits = {
  memoryMb: 64,
  cpuMs: 2_000,
  // A machine in great demand lets sandbox processes wait longest, and no source is wrong because of that.
  wallMs: 15_000,
  outputBytesMax: 0,
  logLinesMax: 0,
  logBytesMax: 0,
}
/** Room for the complaints about as many expressions as a mapping can have. */
const CHECK_EXPRESSIONS_LIMITS = { ...CHECK_LIMITS, outputBytesMax: 16 * 1024 * 1024 }
/** Checks share this name when calls take turns; it is no id that an application can have. */
const CHECKS = ''

export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const processes = options.processes ?? Math.min(availableParallelism(), PROCESSES_MAX)
  const pool = createPool(processes, startSandboxProcess, (event) => report(event, options.log))
  return {
    async call(call) {
      const { applicationId, name, version, limits } = call
      if (call.source.length > SOURCE_CHARS_MAX) return sourceTooLong()
      const { ask, onRepeat, marked } = watchCallsOut(call.ask)
      const parts = [
        head({ kind: 'function', applicationId, name, version, limits, asks: ask !== undefined }),
        call.source,
        call.jobData,
      ]
      const end = await pool.run(applicationId, { parts, limits, ask, onRepeat })
      return marked(readFunctionOutcome(end, limits, name))
    },
    async check(source, name = 'function') {
      if (source.length > SOURCE_CHARS_MAX) return { ok: false, message: TOO_LONG }
      const parts = [head({ kind: 'check', name }), source]
      return readSyntaxVerdict(await pool.run(CHECKS, { parts, limits: CHECK_LIMITS }), CHECK_LIMITS)
    },
    async evaluate({ applicationId, limits, expressions, input }) {
      if (expressions.length === 0) return []
      const parts = [head({ kind: 'expressions', applicationId, limits }), JSON.stringify(expressions), input]
      return readExpressionOutcomes(
        await pool.run(applicationId, { parts, limits }),
        limits,
        expressions.length,
      )
    },
    async checkExpressions(expressions) {
      if (expressions.length === 0) return []
      const limits = CHECK_EXPRESSIONS_LIMITS
      const parts = [head({ kind: 'check_expressions', limits }), JSON.stringify(expressions)]
      return readExpressionOutcomes(await pool.run(CHECKS, { parts, limits }), limits, expressions.length)
    },
    pids: pool.pids,
    close: pool.close,
  }
}

/** What happens to the processes is for the operator; what a function did is in its outcome. */
function report(event: PoolEvent, log: Log | undefined): void {
  if (event.kind === 'not_started') log?.error(event, 'a sandbox process does not start')
  else log?.warn(event, `a sandbox process was replaced: ${event.kind}`)
}

const TOO_LONG = `the source is longer than ${SOURCE_CHARS_MAX} characters`

function sourceTooLong(): FunctionOutcome {
  return { ok: false, reason: 'syntax', message: TOO_LONG, log: [], usage: { cpuMs: 0, wallMs: 0 } }
}

function head(request: Request): string {
  return JSON.stringify(request)
}
