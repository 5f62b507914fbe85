/**
 * What does the destination want to read? Rewrite functions and field mappings, everything that strangers wrote
 * contained in the sandbox.
 */
import type { Condition } from '../payload/condition.ts'
import { type Json, parseExact, stringifyExact } from '../payload/exact-json.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { applyMapping, type Evaluate, type MappingResult, type MappingScope } from './mapping/apply.ts'
import { compileMapping } from './mapping/compile.ts'
import type { CompiledMapping } from './mapping/compiled.ts'
import type { Mapping } from './mapping/rule.ts'
import { mappingSchema } from './mapping/schema.ts'
import { compileCondition } from './mapping/side-condition.ts'
import { createSandbox, type FunctionLimits, type FunctionOutcome, type Sandbox } from './sandbox/sandbox.ts'

export { type FunctionLimits, type FunctionOutcome, type MappingResult, type MappingScope, mappingSchema }

export interface Call {
  applicationId: string
  name: string
  version: string
  source: string
  /** Exact JSON text of `{ job, integration, currentNode }`. */
  jobData: string
}

export interface Rewriter {
  /** Calls a rewrite function; whatever it does is an outcome, never an exception. */
  call(call: Call): Promise<FunctionOutcome>
  /** Applies a mapping; one that does not fit the payload is an outcome that names rule and path. */
  map(mapping: Record<string, Json>, scope: MappingScope, applicationId: string): Promise<MappingResult>
  /** Whether a decision's condition holds. */
  holds(condition: Condition, scope: MappingScope): boolean
  /** Looks a function over before it is saved. */
  check: Sandbox['check']
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
    map: (mapping, scope, applicationId) =>
      applyMapping(compiled(mapping), scope, evaluateFor(applicationId)),
    holds: (condition, scope) => compileCondition(condition, undefined, 0)(topFrame(scope), []),
    check: (source) => sandbox.check(source),
    close: () => sandbox.close(),
  }
}

function topFrame({ payload, request, event }: MappingScope) {
  const places = { item: [], parent: [], root: [] }
  return { item: payload, parent: payload, root: payload, request, event, places }
}
