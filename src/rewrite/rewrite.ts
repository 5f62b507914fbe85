/**
 * What does the destination want to read? Rewrite functions and field mappings, everything that strangers wrote
 * contained in the sandbox.
 */
import type { Condition } from '../payload/condition.ts'
import { type Json, parseExact, stringifyExact } from '../payload/exact-json.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import {
  applyMapping,
  type Evaluate,
  type MappingOptions,
  type MappingResult,
  type MappingScope,
} from './mapping/apply.ts'
import { checkMapping, type MappingFault } from './mapping/check.ts'
import { compileMapping } from './mapping/compile.ts'
import type { CompiledMapping } from './mapping/compiled.ts'
import { topFrame } from './mapping/frame.ts'
import type { Mapping } from './mapping/rule.ts'
import { compileCondition } from './mapping/side-condition.ts'
import { SOURCE_CHARS_MAX } from './sandbox/contract.ts'
import {
  type AskOutside,
  createSandbox,
  type FunctionLimits,
  type FunctionOutcome,
  type Sandbox,
} from './sandbox/sandbox.ts'

export type { AskOutside, FunctionLimits, FunctionOutcome, MappingFault, MappingResult, MappingScope }
export { SOURCE_CHARS_MAX }

export interface Call {
  applicationId: string
  name: string
  version: string
  source: string
  /** Exact JSON text of `{ job, integration, currentNode }`. */
  jobData: string
  /** Answers what it asks of the world outside; without it `fetchUrl` is off. */
  ask?: AskOutside | undefined
}

export interface Rewriter {
  /** Calls a rewrite function; whatever it does is an outcome, never an exception. */
  call(call: Call): Promise<FunctionOutcome>
  /** Applies a mapping; one that does not fit the payload is an outcome that names rule and path. */
  map(
    mapping: Record<string, Json>,
    scope: MappingScope,
    applicationId: string,
    options?: MappingOptions,
  ): Promise<MappingResult>
  /** Whether a decision's condition holds. */
  holds(condition: Condition, scope: MappingScope): boolean
  /** Looks a function over before it is saved. */
  check: Sandbox['check']
  /** Looks a mapping over before it is saved; its expressions are parsed in the sandbox, and not evaluated. */
  checkMapping(mapping: unknown): Promise<MappingFault[]>
  close(): Promise<void>
}

export interface RewriterOptions {
  processes: number
  limits: FunctionLimits
  metrics: Metrics
  log: Log
}

export function createRewriter({ processes, limits, metrics, log }: RewriterOptions): Rewriter {
  const sandbox = createSandbox({ processes, log })
  const mappings = new WeakMap<object, CompiledMapping>()

  function compiled(mapping: Record<string, Json>): CompiledMapping {
    const known = mappings.get(mapping) ?? compileMapping(mapping as Mapping)
    mappings.set(mapping, known)
    return known
  }

  function evaluateFor(applicationId: string): Evaluate {
    return async (expressions, input) => {
      const answers = await sandbox.evaluate({
        applicationId,
        limits,
        expressions,
        input: stringifyExact(input),
      })
      return answers.map((answer) =>
        answer.ok
          ? { ok: true, value: answer.value === undefined ? undefined : parseExact(answer.value) }
          : answer,
      )
    }
  }

  return {
    async call(call) {
      const outcome = await sandbox.call({ ...call, limits })
      metrics.sandboxSeconds.observe(
        { outcome: outcome.ok ? 'success' : outcome.reason },
        outcome.usage.wallMs / 1000,
      )
      return outcome
    },
    map: (mapping, scope, applicationId, options) =>
      applyMapping(compiled(mapping), scope, evaluateFor(applicationId), options),
    holds: (condition, scope) =>
      compileCondition(condition, undefined).holds(topFrame(scope.payload, scope, []), []),
    check: (source) => sandbox.check(source),
    checkMapping: (mapping) => checkMapping(mapping, sandbox.checkExpressions),
    close: () => sandbox.close(),
  }
}
