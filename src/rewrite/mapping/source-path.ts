/**
 * Where a rule reads: `$root.`, `$parent.`, `$request.`, `$event.` and `$source.` name other places than the current
 * element.
 *
 * Within one rule, a second path that begins like `from` up to a `[]` means the same element there; so a
 * condition on `items[].quantity` is asked for each of `items[].sku` by itself.
 */
import { getKey, isObject, type Json, type JsonObject } from '../../payload/exact-json.ts'
import { type Path, parsePath } from '../../payload/path.ts'
import type { Origin } from './frame.ts'

export interface SourcePath {
  readonly text: string
  readonly origin: Origin
  readonly steps: Path
}

/** A path read beside `from`: `level` counts the `[]` it shares, `steps` are what comes after them. */
export interface SidePath {
  readonly text: string
  readonly origin: Origin
  readonly level: number
  readonly steps: Path
}

const EACH_STEPS_MAX = 8

const NAMED_ORIGINS = ['root', 'parent', 'request', 'event', 'source'] as const satisfies Origin[]

/**
 * Reads a source path.
 *
 * @throws PathError or RangeError with the problem.
 */
export function parseSourcePath(text: string): SourcePath {
  const steps = parsePath(text)
  if (steps.filter((step) => step === 'each').length > EACH_STEPS_MAX)
    throw new RangeError(`path ${JSON.stringify(text)} has more than ${EACH_STEPS_MAX} []`)
  if (!text.startsWith('$')) return { text, origin: 'item', steps }
  const name = /^\$([^.[\]]*)/.exec(text)?.[1] ?? ''
  const origin = NAMED_ORIGINS.find((known) => known === name)
  if (origin === undefined) {
    const quoted = `[${JSON.stringify(`$${name}`)}]`
    throw new RangeError(
      `path ${JSON.stringify(text)} begins with the unknown name $${name}; known are $root, $parent, $request, ` +
        `$event and $source, and a field of that name is written ${quoted}`,
    )
  }
  return { text, origin, steps: steps.slice(1) }
}

/** Reads a path that stands beside `from` in one rule. */
export function parseSidePath(text: string, from: SourcePath | undefined): SidePath {
  const path = parseSourcePath(text)
  const shared = from?.origin === path.origin ? sharedPrefix(path.steps, from.steps) : { level: 0, length: 0 }
  return { text, origin: path.origin, level: shared.level, steps: path.steps.slice(shared.length) }
}

/** All that a path leads to, which is one value at most where it has no leftover `[]`. */
export function readValues(base: Json, steps: Path): readonly Json[] {
  if (steps.includes('each')) return (collect(base, steps) ?? []).map(({ value }) => value)
  const value = valueIn(base, steps)
  return value === undefined ? [] : [value]
}

/** The value at steps without `[]`. */
export function valueIn(base: Json, steps: Path): Json | undefined {
  let value: Json | undefined = base
  for (const step of steps) {
    if (value === undefined || step === 'each') return undefined
    value = 'key' in step ? keyIn(value, step.key) : Array.isArray(value) ? value[step.index] : undefined
  }
  return value
}

export interface Placed {
  readonly value: Json
  readonly place: Path
  /** The element at each `[]` on the way. */
  readonly elements: readonly Json[]
}

/**
 * Everything behind steps with `[]`, in order; undefined when the first list itself is not there. `around` are the
 * elements that led to the base.
 */
export function collect(base: Json, steps: Path, around: readonly Json[] = []): Placed[] | undefined {
  const first = steps.indexOf('each')
  const list = listIn(base, steps.slice(0, first))
  if (list === undefined) return undefined
  let found = opened(list, steps.slice(0, first), around)
  for (const step of steps.slice(first + 1)) {
    found = found.flatMap(({ value, place, elements }) => {
      if (step === 'each') return opened(asList(value) ?? [], place, elements)
      const next = valueIn(value, [step])
      return next === undefined ? [] : [{ value: next, place: [...place, step], elements }]
    })
  }
  return found
}

/** The list at steps without `[]`. */
export function listIn(base: Json, steps: Path): readonly Json[] | undefined {
  return asList(valueIn(base, steps))
}

/** A single value stands for a list of one: XML has no other way to write that. */
function asList(value: Json | undefined): readonly Json[] | undefined {
  if (value === undefined || value === null) return undefined
  return Array.isArray(value) ? value : [value]
}

function opened(list: readonly Json[], place: Path, around: readonly Json[]): Placed[] {
  return list.map((value, index) => ({
    value,
    place: [...place, { index }],
    elements: [...around, value],
  }))
}

function keyIn(value: Json, key: string): Json | undefined {
  return isObject(value) ? getKey(value as JsonObject, key) : undefined
}

function sharedPrefix(path: Path, from: Path): { level: number; length: number } {
  let shared = { level: 0, length: 0 }
  for (const [index, step] of path.entries()) {
    const other = from[index]
    if (other === undefined || !sameStep(step, other)) break
    if (step === 'each') shared = { level: shared.level + 1, length: index + 1 }
  }
  return shared
}

function sameStep(left: Path[number], right: Path[number]): boolean {
  if (left === 'each' || right === 'each') return left === right
  if ('key' in left) return 'key' in right && left.key === right.key
  return 'index' in right && left.index === right.index
}
