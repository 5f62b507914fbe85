import type { Condition } from '../../payload/condition.ts'
import type { Json } from '../../payload/exact-json.ts'
import { formatPath, type Path } from '../../payload/path.ts'
import type { CompiledMapping, CompiledRule, CompiledSource, Reading } from './compiled.ts'
import { compareDestinations, eachCount, pairDestination, parseDestination } from './destination.ts'
import { MappingError } from './failure.ts'
import {
  type EachRule,
  type Handling,
  type Mapping,
  OUTSIDE,
  placeOfField,
  placeOfFields,
  type Rule,
  type RulePlace,
  shapeProblems,
} from './rule.ts'
import { compileCondition } from './side-condition.ts'
import { parseSidePath, parseSourcePath, type SourcePath } from './source-path.ts'
import { type PreparedTransform, prepareTransform } from './transforms.ts'

/**
 * Reads a mapping once, for any number of payloads.
 *
 * @throws MappingError naming the rule and the problem.
 */
export function compileMapping(mapping: Mapping): CompiledMapping {
  const [problem] = shapeProblems(mapping)
  if (problem) throw new MappingError(problem.rule, problem.keys, problem.problem)
  return compileFields(mapping, OUTSIDE)
}

function compileFields(mapping: Mapping, around: RulePlace): CompiledMapping {
  const written = Object.entries(mapping).map(([text, rule]) => {
    const at = placeOfField(around, text)
    const path = orThrow(at, () => parseDestination(text))
    return { at, path, compiled: orThrow(at, () => compileRule(path, rule, at)) }
  })
  const kinds = checkDestinations(written)
  return {
    rules: written
      .map(({ compiled }) => compiled)
      .toSorted((left, right) => compareDestinations(left.destination, right.destination)),
    whenEmpty: written.some(({ path }) => path.length === 0) ? undefined : (kinds.get('') ?? 'object'),
  }
}

function compileRule(destination: Path, rule: Rule, at: RulePlace): CompiledRule {
  if (typeof rule === 'string') return compileFrom(destination, { from: rule }, at)
  if ('from' in rule) return compileFrom(destination, rule, at)
  if ('$each' in rule) return compileEach(destination, rule, at)
  const source: CompiledSource =
    'value' in rule
      ? { kind: 'value', value: rule.value }
      : { kind: 'expression', expression: rule.expression }
  return { ...handled(rule, at, undefined, 0), destination: pairDestination(destination, 0), source }
}

function compileFrom(destination: Path, rule: Handling & { from: string }, at: RulePlace): CompiledRule {
  const path = parseSourcePath(rule.from)
  const paired = Math.min(eachCount(path.steps), eachCount(destination))
  return {
    ...handled(rule, at, path, paired),
    destination: pairDestination(destination, paired),
    source: { kind: 'from', ...reading(path, paired) },
  }
}

function compileEach(destination: Path, rule: EachRule, at: RulePlace): CompiledRule {
  if (destination.at(-1) === 'each')
    throw new RangeError('$each makes the list itself: leave out the [] at the end')
  const path = openedPath(parseSourcePath(rule.$each))
  const paired = eachCount(destination)
  if (paired >= eachCount(path.steps))
    throw new RangeError('the path of $each needs one more [] than the destination')
  const { where } = rule
  return {
    ...handled(rule, at, path, paired),
    destination: pairDestination(destination, paired),
    source: {
      kind: 'each',
      ...reading(path, paired),
      where: where === undefined ? undefined : compileCondition(where, undefined).holds,
      fields: compileFields(rule.fields, placeOfFields(at)),
    },
  }
}

/** `$each: "items"` and `$each: "items[]"` are the same. */
function openedPath(path: SourcePath): SourcePath {
  return path.steps.at(-1) === 'each' ? path : { ...path, steps: [...path.steps, 'each'] }
}

function handled(
  rule: Handling & { when?: Condition | undefined },
  at: RulePlace,
  from: SourcePath | undefined,
  paired: number,
): Omit<CompiledRule, 'destination' | 'source'> {
  const when = rule.when === undefined ? undefined : compileCondition(rule.when, from)
  const filters = when !== undefined && when.level > paired
  return {
    name: at.rule,
    when: filters ? undefined : when?.holds,
    filter: filters ? when.holds : undefined,
    default: rule.default,
    keepNull: rule.keepNull ?? false,
    required: rule.required ?? false,
    transforms: prepareTransforms(rule.transforms ?? [], from, paired),
  }
}

/** Of several values each has its own element, as long as every transform before took them one by one. */
function prepareTransforms(
  written: readonly Json[],
  from: SourcePath | undefined,
  paired: number,
): PreparedTransform[] {
  let mixedBy: string | undefined
  return written.map((one) => {
    const prepared = prepareTransform(one, {
      path: (text) => {
        const path = parseSidePath(text, from)
        if (mixedBy !== undefined && path.level > paired)
          throw new RangeError(
            `${text} is read for each element, and after ${mixedBy} no value belongs to one: put this transform ` +
              'before it',
          )
        return path
      },
    })
    if (prepared.on !== 'each') mixedBy ??= prepared.name
    return prepared
  })
}

function reading(path: SourcePath, paired: number): Reading {
  const heads: Path[] = []
  let start = 0
  for (const [index, step] of path.steps.entries()) {
    if (step !== 'each' || heads.length === paired) continue
    heads.push(path.steps.slice(start, index))
    start = index + 1
  }
  const rest = path.steps.slice(start)
  return { path, heads, rest, collects: rest.includes('each') }
}

interface Written {
  readonly at: RulePlace
  readonly path: Path
  readonly compiled: CompiledRule
}

/** Two rules must not want one place for themselves, nor one place as a list and as an object. */
function checkDestinations(rules: readonly Written[]): Map<string, 'object' | 'list'> {
  const kinds = new Map<string, 'object' | 'list'>()
  const taken = new Map<string, Written>()
  for (const rule of rules) {
    const whole = formatPath(rule.compiled.destination.wraps ? rule.path.slice(0, -1) : rule.path)
    const other = taken.get(whole)
    if (other) throw conflict(rule, `sets the same field as ${JSON.stringify(other.at.rule)}`)
    taken.set(whole, rule)
    for (const [index, step] of rule.path.entries()) {
      const before = placeOf(rule.path.slice(0, index))
      const kind = step !== 'each' && 'key' in step ? 'object' : 'list'
      if ((kinds.get(before) ?? kind) !== kind)
        throw conflict(
          rule,
          `${before === '' ? 'the result' : before} is an object in one rule and a list in another`,
        )
      kinds.set(before, kind)
    }
  }
  for (const rule of rules) checkParts(rule, taken)
  return kinds
}

/** What fills every element comes last, so it would wipe out what another rule had set inside. */
function checkParts(rule: Written, taken: ReadonlyMap<string, Written>): void {
  for (let length = 1; length < rule.path.length; length += 1) {
    const outer = taken.get(formatPath(rule.path.slice(0, length)))
    if (
      outer?.compiled.destination.steps.includes('every') &&
      !rule.compiled.destination.steps.includes('every')
    )
      throw conflict(rule, `stands inside ${JSON.stringify(outer.at.rule)}, which fills every element`)
  }
}

/** A numbered and an every-element step lead to the same kind of thing. */
function placeOf(path: Path): string {
  return formatPath(path.map((step) => (step !== 'each' && 'index' in step ? 'each' : step)))
}

function conflict(rule: Written, problem: string): MappingError {
  return new MappingError(rule.at.rule, rule.at.keys, problem)
}

function orThrow<Made>(at: RulePlace, make: () => Made): Made {
  try {
    return make()
  } catch (error) {
    if (error instanceof MappingError) throw error
    if (!(error instanceof Error)) throw error
    throw new MappingError(at.rule, at.keys, error.message)
  }
}
