/** What a transform is: a name, checked arguments, documented examples and a function from value to value. */
import type { z } from 'zod'
import type { Json } from '../../payload/exact-json.ts'
import { Failure, type Outcome, shown } from './failure.ts'
import type { SidePath } from './source-path.ts'

/** Reads all that a path leads to that an argument names, for the element at hand. */
export type Look = (path: SidePath) => readonly Json[]
export type Apply = (value: Json, look: Look) => Outcome
/** Looks for the whole value, or for the one that stands at a place of it when it is a list. */
export type LookAt = (index?: number) => Look
export type ApplyAll = (value: Json, lookAt: LookAt) => Outcome

/** What an argument may ask of the rule it stands in. */
export interface Site {
  /** @throws Error with the problem of the path. */
  path(text: string): SidePath
}

export interface TransformExample {
  readonly args?: Json
  readonly from: Json
  readonly to: Json
}

export interface Transform {
  readonly name: string
  /**
   * What it is given: `each` works on one value and on every element of a list, `list` on a whole list (a single
   * value being a list of one), `whole` on whatever is there.
   */
  readonly on: 'each' | 'list' | 'whole'
  readonly args: string
  readonly meaning: string
  readonly examples: readonly TransformExample[]
  /** @throws Error with the problem of the arguments. */
  prepare(args: unknown, site: Site): ApplyAll
}

interface TransformDefinition<Args> extends Omit<Transform, 'prepare'> {
  readonly schema: z.ZodType<Args>
  make(args: Args, site: Site): Apply
}

/** A transform whose arguments are checked before it is made. */
export function transform<Args>(definition: TransformDefinition<Args>): Transform {
  const { schema, make, ...described } = definition
  return {
    ...described,
    prepare: (args, site) => runOn(described.on, make(checked(described, schema, args), site)),
  }
}

function checked<Args>(described: Omit<Transform, 'prepare'>, schema: z.ZodType<Args>, args: unknown): Args {
  const result = schema.safeParse(args)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const place = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
  const expected = described.args === '' ? 'none' : described.args
  throw new RangeError(`arguments: ${issue?.message ?? 'not understood'}${place}; expected ${expected}`)
}

/** Null stays null in every transform but those that look at the whole value. */
function runOn(on: Transform['on'], apply: Apply): ApplyAll {
  if (on === 'whole') return (value, lookAt) => apply(value, lookAt())
  if (on === 'list') {
    return (value, lookAt) =>
      value === null ? null : apply(Array.isArray(value) ? value : [value], lookAt())
  }
  return (value, lookAt) => {
    if (value === null) return null
    if (!Array.isArray(value)) return apply(value, lookAt())
    const results: Json[] = []
    for (const [index, item] of value.entries()) {
      const result = item === null ? null : apply(item, lookAt(index))
      if (result instanceof Failure) return new Failure(`element ${index}: ${result.message}`)
      results.push(result ?? null)
    }
    return results
  }
}

export function expected(what: string, value: Json): Failure {
  return new Failure(`expected ${what}, got ${shown(value)}`)
}
