import type { Json } from '../../payload/exact-json.ts'
import { Budget, checkLength } from './budget.ts'
import type { CompiledMapping, CompiledRule, CompiledSource, Reading } from './compiled.ts'
import { type Answers, askExpressions, type Evaluate } from './expressions.ts'
import { Failure, type Outcome } from './failure.ts'
import { elementFrame, type Frame, originPlace, type Surroundings, topFrame } from './frame.ts'
import { gather, type Slot, slotPlace, slotSteps } from './gather.ts'
import { Result } from './result.ts'
import { required, settle } from './settle.ts'
import { collect, valueIn } from './source-path.ts'

export type { Evaluate }

export interface MappingScope extends Surroundings {
  readonly payload: Json
}

export type MappingResult = { ok: true; value: Json } | RuleFailure

/** `rule` is the destination field, `path` the place in the payload with element numbers, or the expression. */
export interface RuleFailure {
  readonly ok: false
  readonly rule: string
  readonly path: string
  readonly message: string
}

export interface MappingOptions {
  /** A payload that is a list is mapped element by element into a list (default), or else as one value. */
  readonly each?: boolean | undefined
}

/**
 * Applies a mapping to a payload, which stays as it is; the result may share parts of it. A payload that does not
 * fit is an answer, never an exception. `evaluate` is called once for each payload (or element) whose rules have
 * expressions, with all of them.
 */
export async function applyMapping(
  compiled: CompiledMapping,
  scope: MappingScope,
  evaluate: Evaluate,
  options: MappingOptions = {},
): Promise<MappingResult> {
  const passage: Passage = { evaluate, budget: new Budget() }
  const mapped =
    Array.isArray(scope.payload) && options.each !== false
      ? await applyToElements(compiled, scope.payload, scope, passage)
      : await applyFields(compiled, topFrame(scope.payload, scope, []), passage)
  if (!mapped.ok) return mapped
  const value = mapped.value ?? null
  const tooLong = checkLength(value)
  return tooLong ? { ok: false, rule: '', path: '', message: tooLong.message } : { ok: true, value }
}

interface Passage {
  readonly evaluate: Evaluate
  readonly budget: Budget
}

type Mapped = { ok: true; value: Json | undefined } | RuleFailure

async function applyToElements(
  compiled: CompiledMapping,
  payload: readonly Json[],
  scope: MappingScope,
  passage: Passage,
): Promise<Mapped> {
  const value: Json[] = []
  for (const [index, element] of payload.entries()) {
    const mapped = await applyFields(compiled, topFrame(element, scope, [{ index }]), passage)
    if (!mapped.ok) return mapped
    value.push(mapped.value ?? null)
    if (passage.budget.tired) await passage.budget.breathe()
  }
  return { ok: true, value }
}

async function applyFields(compiled: CompiledMapping, frame: Frame, passage: Passage): Promise<Mapped> {
  const answers = await askExpressions(compiled, frame, passage.evaluate)
  const result = new Result(passage.budget)
  for (const rule of compiled.rules) {
    const failure =
      rule.source.kind === 'from' || rule.source.kind === 'each'
        ? await applyReading(rule, rule.source, frame, result, passage)
        : applyWhole(rule, rule.source, frame, result, answers, passage)
    if (failure) return failure
  }
  const value = result.value()
  return { ok: true, value: value === undefined ? emptyValue(compiled) : value }
}

function emptyValue({ whenEmpty }: CompiledMapping): Json | undefined {
  if (whenEmpty === undefined) return undefined
  return whenEmpty === 'list' ? [] : {}
}

/** A fixed value or an expression: one value, whatever the destination. */
function applyWhole(
  rule: CompiledRule,
  source: Extract<CompiledSource, { kind: 'value' | 'expression' }>,
  frame: Frame,
  result: Result,
  answers: Answers,
  passage: Passage,
): RuleFailure | undefined {
  const found = source.kind === 'value' ? source.value : answers.get(rule)
  const outcome = settle(rule, found, frame, () => [], passage.budget)
  const failure = outcome instanceof Failure ? outcome : writeOutcome(rule, result, [], outcome)
  return failure && failed(rule, source.kind === 'value' ? '' : source.expression, failure)
}

/** A rule with a path: one value for each slot, the elements of its lists made first so that all keep their place. */
async function applyReading(
  rule: CompiledRule,
  source: Extract<CompiledSource, { kind: 'from' | 'each' }>,
  frame: Frame,
  result: Result,
  passage: Passage,
): Promise<RuleFailure | undefined> {
  const { lists, slots, missing } = gather(source, frame)
  const failedAt = (indices: readonly number[], failure: Failure) =>
    failed(rule, slotPlace(source, frame, indices), failure)
  const [absent] = missing
  if (absent && rule.required && rule.when?.(frame, []) !== false) return failedAt(absent.indices, required())
  for (const { indices, length } of lists) {
    const failure =
      passage.budget.spendValues(length) ?? result.makeElements(rule.destination, indices, length)
    if (failure) return failedAt(indices, failure)
  }
  for (const slot of slots) {
    const outcome =
      source.kind === 'from'
        ? readSlot(rule, source, frame, slot, passage.budget)
        : await mapElements(rule, source, frame, slot, passage)
    const failure = outcome instanceof Failure ? outcome : writeOutcome(rule, result, slot.indices, outcome)
    if (failure) return failedAt(slot.indices, failure)
    if (passage.budget.tired) await passage.budget.breathe()
  }
  return undefined
}

/** The value of a slot; of several, the list of what is there. */
function readSlot(
  rule: CompiledRule,
  source: Reading,
  frame: Frame,
  { base, elements }: Slot,
  budget: Budget,
): Outcome {
  if (!source.collects) return settle(rule, valueIn(base, source.rest), frame, () => elements, budget)
  const found = collect(base, source.rest, elements)
  const taken = found?.filter((one) => rule.filter?.(frame, one.elements) !== false)
  const tooMany = budget.spendValues((found?.length ?? 0) - (taken?.length ?? 0))
  if (tooMany) return tooMany
  const elementsAt = (index?: number) => (index === undefined ? elements : (taken?.[index]?.elements ?? []))
  const values = taken?.map(({ value }) => value)
  return settle(rule, values, frame, elementsAt, budget)
}

async function mapElements(
  rule: CompiledRule,
  source: Extract<CompiledSource, { kind: 'each' }>,
  frame: Frame,
  slot: Slot,
  passage: Passage,
): Promise<Outcome> {
  if (rule.when?.(frame, slot.elements) === false) return undefined
  const found = collect(slot.base, source.rest, slot.elements)
  if (found === undefined) return settle(rule, undefined, frame, () => slot.elements, passage.budget)
  const before = [...originPlace(frame, source.path.origin), ...slotSteps(source, slot.indices)]
  const list: Json[] = []
  for (const { value, place, elements } of found) {
    const tooMany = passage.budget.spendValues(1)
    if (tooMany) return tooMany
    if (rule.filter?.(frame, elements) === false) continue
    const inner = elementFrame(frame, value, [...before, ...place])
    if (source.where?.(inner, []) === false) continue
    const mapped = await applyFields(source.fields, inner, passage)
    if (!mapped.ok) return new Failure(mapped.message, mapped)
    if (mapped.value !== undefined) list.push(mapped.value)
    if (passage.budget.tired) await passage.budget.breathe()
  }
  return list
}

function writeOutcome(
  rule: CompiledRule,
  result: Result,
  indices: readonly number[],
  value: Json | undefined,
): Failure | undefined {
  return value === undefined ? undefined : result.set(rule.destination, indices, value)
}

function failed(rule: CompiledRule, path: string, { message, at }: Failure): RuleFailure {
  return { ok: false, rule: at?.rule ?? rule.name, path: at?.path ?? path, message }
}
