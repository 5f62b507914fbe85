import { z } from 'zod'
import { sameJson, testOperation } from './condition-operations.ts'
import { isObject, type Json } from './exact-json.ts'
import { type Path, parsePath, resolvePath } from './path.ts'
import { type Pattern, readPattern } from './pattern.ts'

export const CONDITION_OPERATIONS = [
  'equals',
  'notEquals',
  'exists',
  'absent',
  'in',
  'contains',
  'startsWith',
  'endsWith',
  'matches',
  'greater',
  'less',
] as const

export type ConditionOperation = (typeof CONDITION_OPERATIONS)[number]

export type Condition =
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition }
  | { path: string; op: ConditionOperation; value?: Json }

const CONDITION_DEPTH_MAX = 20
const BRANCHES_MAX = 100

const jsonValue: z.ZodType<Json> = z.unknown() as z.ZodType<unknown> as z.ZodType<Json>

const conditionForm: z.ZodType<WrittenForm> = z
  .strictObject({
    path: z.string().max(1_000).superRefine(checkPath).optional(),
    op: z.enum(CONDITION_OPERATIONS).optional(),
    value: jsonValue.optional(),
    get all() {
      return z.array(conditionForm).max(BRANCHES_MAX).optional()
    },
    get any() {
      return z.array(conditionForm).max(BRANCHES_MAX).optional()
    },
    get not() {
      return conditionForm.optional()
    },
  })
  .superRefine(checkForm)
  .meta({ id: 'Condition', description: 'one of { path, op, value }, { all }, { any } and { not }' })

/**
 * A condition as the API takes it: `{ path, op, value }`, `{ all: […] }`, `{ any: […] }` or `{ not: … }`, at most
 * 20 levels deep. `exists` and `absent` take no value, `in` takes a list.
 */
export const conditionSchema = conditionForm as unknown as z.ZodType<Condition, Condition>

/** Reads a condition from anywhere; the problem names the place, as `all[1].op: …`. */
export function parseCondition(
  written: unknown,
): { readonly ok: true; readonly condition: Condition } | { readonly ok: false; readonly problem: string } {
  if (depthOf(written, CONDITION_DEPTH_MAX) > CONDITION_DEPTH_MAX)
    return { ok: false, problem: `nested deeper than ${CONDITION_DEPTH_MAX} levels` }
  const parsed = conditionSchema.safeParse(written)
  if (parsed.success) return { ok: true, condition: parsed.data }
  const [issue] = parsed.error.issues
  const place = (issue?.path ?? [])
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
  return {
    ok: false,
    problem: `${place.replace(/^\./, '') || 'condition'}: ${issue?.message ?? 'is not a condition'}`,
  }
}

/**
 * Whether a condition holds for a scope (the payload and whatever the caller puts beside it).
 *
 * A path with `[]` may find several values: one that passes is enough, and `notEquals` and `absent` are the exact
 * opposites of `equals` and `exists`. A value that is null exists. An empty `all` holds, an empty `any` does not.
 *
 * - `equals`, `in`: the same JSON; a number and a string that is written as that number are the same too.
 * - `contains`: a piece of a text, or an element of a list. `startsWith`, `endsWith`: of texts. Case matters.
 * - `matches`: texts that a pattern of RE2 fits anywhere, unless they are very long.
 * - `greater`, `less`: numbers and strings written as JSON numbers, compared exactly at any size; anything else
 *   is neither.
 */
export function holds(condition: Condition, scope: Json): boolean {
  if ('all' in condition) return condition.all.every((one) => holds(one, scope))
  if ('any' in condition) return condition.any.some((one) => holds(one, scope))
  if ('not' in condition) return !holds(condition.not, scope)
  const found = resolvePath(scope, pathOf(condition))
  const { op, value = null } = condition
  if (op === 'exists') return found.length > 0
  if (op === 'absent') return found.length === 0
  if (op === 'notEquals') return !found.some((one) => sameJson(one, value))
  if (op === 'matches') return found.some((one) => typeof one === 'string' && patternOf(condition)?.test(one))
  return found.some((one) => testOperation(op, one, value))
}

/** A stored condition is asked for every event, so its paths are read once. */
const paths = new WeakMap<Condition, Path>()

function pathOf(condition: Condition & { path: string }): Path {
  const known = paths.get(condition)
  if (known) return known
  const path = parsePath(condition.path)
  paths.set(condition, path)
  return path
}

/** A pattern is written out when it is compiled, so that is done once, too. */
const patterns = new WeakMap<Condition, Pattern>()

/** Undefined for a value that is no pattern, which the schema lets through nowhere. */
function patternOf(condition: Condition & { value?: Json }): Pattern | undefined {
  const known = patterns.get(condition)
  if (known || typeof condition.value !== 'string') return known
  const read = readPattern(condition.value)
  if (!read.ok) return undefined
  patterns.set(condition, read.pattern)
  return read.pattern
}

type WrittenForm = {
  path?: unknown
  op?: unknown
  value?: unknown
  all?: unknown
  any?: unknown
  not?: unknown
}

function checkForm(form: WrittenForm, context: z.RefinementCtx): void {
  const say: Say = (message, at) =>
    context.addIssue({ code: 'custom', message, path: at === undefined ? [] : [at] })
  const { path, op } = form
  const forms = [form.all, form.any, form.not, op ?? path].filter((part) => part !== undefined)
  if (forms.length !== 1) say('is one of { path, op, value }, { all }, { any } and { not }')
  else if (depthOf(form, CONDITION_DEPTH_MAX) > CONDITION_DEPTH_MAX)
    say(`nested deeper than ${CONDITION_DEPTH_MAX} levels`)
  else if (path !== undefined && op !== undefined) checkValue(form, say)
  else if (path !== undefined) say('is missing', 'op')
  else if (op !== undefined) say('is missing', 'path')
  else if (form.value !== undefined) say('goes with path and op only', 'value')
}

type Say = (message: string, at?: string) => void

function checkValue({ op, value }: WrittenForm, say: Say): void {
  const takesNone = op === 'exists' || op === 'absent'
  if (takesNone && value !== undefined) say(`is not used by ${op}`, 'value')
  if (!takesNone && value === undefined) say('is missing', 'value')
  if (op === 'in' && value !== undefined && !Array.isArray(value)) say('has to be a list', 'value')
  if ((op === 'startsWith' || op === 'endsWith') && value !== undefined && typeof value !== 'string')
    say('has to be a string', 'value')
  if (op === 'matches' && value !== undefined) {
    const read = typeof value === 'string' ? readPattern(value) : undefined
    if (!read?.ok) say(read?.problem ?? 'has to be a string', 'value')
  }
}

function checkPath(text: string, context: z.RefinementCtx): void {
  try {
    parsePath(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'is not a path' })
  }
}

/** Levels of `all`, `any` and `not`; stops counting beyond `max`. */
function depthOf(written: unknown, max: number): number {
  if (!isObject(written as Json) || max < 0) return 0
  const { all, any, not } = written as WrittenForm
  const parts = [all, any, [not]].flatMap((list) => (Array.isArray(list) ? list : []))
  return 1 + Math.max(0, ...parts.map((part) => depthOf(part, max - 1)))
}
