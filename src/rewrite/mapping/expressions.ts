/** Expressions are never evaluated here: whoever applies a mapping brings the sandbox. */
import type { Json } from '../../payload/exact-json.ts'
import type { CompiledMapping, CompiledRule } from './compiled.ts'
import { Failure, type Outcome } from './failure.ts'
import type { Frame } from './frame.ts'

/** Evaluates JSONata expressions over one input, each by itself; the answers come in the same order. */
export type Evaluate = (
  expressions: string[],
  input: Json,
) => Promise<({ ok: true; value: Json | undefined } | { ok: false; message: string })[]>

export type Answers = ReadonlyMap<CompiledRule, Outcome>

/** Asks only for expressions whose condition holds, so that the others cannot fail. */
export async function askExpressions(
  compiled: CompiledMapping,
  frame: Frame,
  evaluate: Evaluate,
): Promise<Answers> {
  const asked = compiled.rules.flatMap((rule) =>
    rule.source.kind === 'expression' && rule.when?.(frame, []) !== false
      ? [{ rule, expression: rule.source.expression }]
      : [],
  )
  if (asked.length === 0) return new Map()
  const answers = await evaluate(
    asked.map(({ expression }) => expression),
    frame.item,
  )
  return new Map(
    asked.map(({ rule }, index) => {
      const answer = answers[index] ?? { ok: false, message: 'the expression was not answered' }
      return [rule, answer.ok ? answer.value : new Failure(answer.message)]
    }),
  )
}
