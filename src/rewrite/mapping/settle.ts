/** From what a rule found to what it sets. */
import type { Json } from '../../payload/exact-json.ts'
import type { Budget } from './budget.ts'
import type { CompiledRule } from './compiled.ts'
import { Failure, type Outcome } from './failure.ts'
import type { Frame } from './frame.ts'
import { readValues, type SidePath } from './source-path.ts'

/** The elements in which a value stands, or the one at a place of it when it is a list. */
export type ElementsAt = (index?: number) => readonly Json[]

/**
 * Nothing where the condition does not hold; otherwise the transformed value, and where nothing or null is left,
 * the default or the complaint.
 */
export function settle(
  rule: CompiledRule,
  found: Outcome,
  frame: Frame,
  elementsAt: ElementsAt,
  budget: Budget,
): Outcome {
  if (rule.when?.(frame, elementsAt()) === false) return undefined
  const tooMany = budget.spendValues(Array.isArray(found) ? found.length + 1 : 1)
  if (tooMany || found instanceof Failure) return tooMany ?? found
  const value = found === undefined ? undefined : transformed(rule, found, frame, elementsAt, budget)
  if (value instanceof Failure || (value !== undefined && value !== null)) return value
  if (value === null && rule.keepNull) return null
  if (rule.default !== undefined) return rule.default
  return rule.required ? required() : value
}

export function required(): Failure {
  return new Failure('required, but absent or null')
}

function transformed(
  rule: CompiledRule,
  found: Json,
  frame: Frame,
  elementsAt: ElementsAt,
  budget: Budget,
): Outcome {
  const lookAt = (index?: number) => (path: SidePath) =>
    readValues(
      path.level === 0 ? frame[path.origin] : (elementsAt(index)[path.level - 1] ?? null),
      path.steps,
    )
  let value: Json | undefined = found
  for (const { name, apply } of rule.transforms) {
    if (value === undefined) return undefined
    const made: Outcome = apply(value, lookAt)
    if (made instanceof Failure) return new Failure(`${name}: ${made.message}`)
    const tooLong = budget.spendMade(made)
    if (tooLong) return tooLong
    value = made
  }
  return value
}
