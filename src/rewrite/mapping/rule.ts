/** A mapping as it is written and stored: plain JSON, destination field by destination field. */
import { z } from 'zod'
import { type Condition, conditionSchema } from '../../payload/condition.ts'
import { isObject, type Json, type JsonObject } from '../../payload/exact-json.ts'

export interface Mapping {
  [destination: string]: Rule
}

/** A source path, or an object that says more. */
export type Rule = string | FromRule | ValueRule | ExpressionRule | EachRule

export interface FromRule extends Handling {
  from: string
}

export interface ValueRule {
  value: Json
  when?: Condition | undefined
}

export interface ExpressionRule extends Handling {
  /** JSONata; reads the payload, or the element of the enclosing `$each`. */
  expression: string
}

export interface EachRule {
  $each: string
  fields: Mapping
  /** Elements for which it does not hold are left out. */
  where?: Condition | undefined
  when?: Condition | undefined
  default?: Json | undefined
  required?: boolean | undefined
}

export interface Handling {
  /** The field is set only where this holds. */
  when?: Condition | undefined
  /** Set, as written, where the source is absent or null or the transforms leave nothing. */
  default?: Json | undefined
  /** Null counts as a value: neither `default` nor `required` looks at it. */
  keepNull?: boolean | undefined
  /** An absent or null source is an error. */
  required?: boolean | undefined
  transforms?: Json[] | undefined
}

export const RULES_MAX = 1_000
const FIELDS_DEPTH_MAX = 8
const EXPRESSION_LENGTH_MAX = 10_000
const TRANSFORMS_MAX = 20
/** Static values and tables included; deeper or larger ones belong into a rewrite function. */
const JSON_DEPTH_MAX = 64
const JSON_VALUES_MAX = 100_000

export interface ShapeProblem extends RulePlace {
  readonly problem: string
}

const anyJson = z.custom<Json>((value) => value !== undefined, 'a value is missing')
const handling = {
  when: conditionSchema.optional(),
  default: anyJson.optional(),
  keepNull: z.boolean().optional(),
  required: z.boolean().optional(),
  transforms: z.array(anyJson).max(TRANSFORMS_MAX).optional(),
}
const ruleShapes = {
  from: z.strictObject({ from: z.string(), ...handling }),
  value: z.strictObject({ value: anyJson, when: handling.when }),
  expression: z.strictObject({ expression: z.string().min(1).max(EXPRESSION_LENGTH_MAX), ...handling }),
  $each: z.strictObject({
    $each: z.string(),
    fields: z.custom<JsonObject>((value) => isObject(value as Json), 'expected an object of rules'),
    where: handling.when,
    when: handling.when,
    default: handling.default,
    required: handling.required,
  }),
}
const FORMS = 'expected a path, or an object with one of "from", "value", "expression" and "$each"'

/** Everything wrong with the form of a mapping; paths, transforms and fields are looked at when it is compiled. */
export function shapeProblems(mapping: unknown): ShapeProblem[] {
  if (exceedsLimits(mapping)) {
    const problem = `a mapping holds at most ${JSON_VALUES_MAX} values, ${JSON_DEPTH_MAX} levels deep`
    return [{ ...OUTSIDE, problem }]
  }
  const count = { rules: 0 }
  const problems = fieldProblems(mapping, OUTSIDE, 0, count)
  if (count.rules > RULES_MAX) problems.push({ ...OUTSIDE, problem: `more than ${RULES_MAX} rules` })
  return problems
}

/** Where a rule stands: the destinations of the rules around it and its own, and the keys that lead to it. */
export interface RulePlace {
  readonly rule: string
  readonly keys: readonly string[]
}

/** The place of the mapping itself. */
export const OUTSIDE: RulePlace = { rule: '', keys: [] }

/** The place of a field among others that stand at a place. */
export function placeOfField(around: RulePlace, destination: string): RulePlace {
  const joint = around.rule === '' || destination === '' || destination.startsWith('[') ? '' : '.'
  return { rule: `${around.rule}${joint}${destination}`, keys: [...around.keys, destination] }
}

/** The place of a `$each` rule's fields. */
export function placeOfFields({ rule, keys }: RulePlace): RulePlace {
  return { rule: `${rule}[]`, keys: [...keys, 'fields'] }
}

function fieldProblems(
  mapping: unknown,
  around: RulePlace,
  depth: number,
  count: { rules: number },
): ShapeProblem[] {
  if (!isObject(mapping as Json)) return [{ ...around, problem: 'expected an object of rules' }]
  if (depth >= FIELDS_DEPTH_MAX)
    return [{ ...around, problem: `$each nests at most ${FIELDS_DEPTH_MAX - 1} deep` }]
  const problems: ShapeProblem[] = []
  for (const [destination, rule] of Object.entries(mapping as JsonObject)) {
    count.rules += 1
    const at = placeOfField(around, destination)
    const own = ruleProblems(rule, at)
    problems.push(...own)
    if (own.length === 0 && isObject(rule) && Object.hasOwn(rule, '$each'))
      problems.push(...fieldProblems(rule.fields, placeOfFields(at), depth + 1, count))
  }
  return problems
}

function ruleProblems(rule: Json, at: RulePlace): ShapeProblem[] {
  if (typeof rule === 'string') return []
  if (!isObject(rule)) return [{ ...at, problem: `${FORMS}; a fixed value is written {"value": …}` }]
  const forms = (['from', 'value', 'expression', '$each'] as const).filter((form) =>
    Object.hasOwn(rule, form),
  )
  const [form] = forms
  if (form === undefined || forms.length > 1) return [{ ...at, problem: FORMS }]
  const result = ruleShapes[form].safeParse(rule)
  if (!result.success) {
    return result.error.issues.map(({ path, message }) => ({
      rule: at.rule,
      keys: [...at.keys, ...path.map(String)],
      problem: path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`,
    }))
  }
  const contradicts = rule.required === true && Object.hasOwn(rule, 'default')
  return contradicts ? [{ ...at, problem: 'required and default exclude each other' }] : []
}

/** Walks with a list of its own, because a deep value would overflow a walk that calls itself. */
function exceedsLimits(mapping: unknown): boolean {
  const waiting: { value: unknown; depth: number }[] = [{ value: mapping, depth: 0 }]
  for (let seen = 0; waiting.length > 0; seen += 1) {
    const next = waiting.pop()
    if (next === undefined || typeof next.value !== 'object' || next.value === null) continue
    if (seen > JSON_VALUES_MAX || next.depth > JSON_DEPTH_MAX) return true
    const inner = Object.values(next.value)
    if (inner.length + waiting.length > JSON_VALUES_MAX) return true
    for (const value of inner) waiting.push({ value, depth: next.depth + 1 })
  }
  return false
}
