import jsonata from 'jsonata'
import type { Json } from '../../src/payload/exact-json.ts'
import { applyMapping, type Evaluate, type MappingOptions } from '../../src/rewrite/mapping/apply.ts'
import { compileMapping } from '../../src/rewrite/mapping/compile.ts'
import type { Mapping } from '../../src/rewrite/mapping/rule.ts'

export interface TrialScope {
  request?: Json
  event?: Json
  source?: Json
  options?: MappingOptions
}

/** Compiles and applies; expressions run in JSONata itself, without the sandbox around it. */
export async function tryMapping(
  mapping: Mapping,
  payload: Json,
  { request, event, source, options }: TrialScope = {},
) {
  return applyMapping(
    compileMapping(mapping),
    { payload, request: request ?? {}, event: event ?? {}, source: source ?? {} },
    evaluateDirectly,
    options,
  )
}

/** The value of a mapping that is expected to fit. */
export async function mapped(mapping: Mapping, payload: Json, scope: TrialScope = {}): Promise<Json> {
  const result = await tryMapping(mapping, payload, scope)
  if (!result.ok) throw new Error(`${result.rule} at ${result.path}: ${result.message}`)
  return result.value
}

const evaluateDirectly: Evaluate = (expressions, input) =>
  Promise.all(
    expressions.map(async (expression) => {
      try {
        const value: Json | undefined = await jsonata(expression).evaluate(input)
        return { ok: true as const, value }
      } catch (error) {
        return { ok: false as const, message: (error as { message: string }).message }
      }
    }),
  )
