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

/** Reads a path that stands beside `from` in one rule, whose first `paired` `[]` pair with the destination's. */
export function parseSidePath(text: string, from: SourcePath | undefined, paired: number): SidePath {
  const path = parseSourcePath(text)
  const shared =
    from?.origin === path.origin ? sharedPrefix(path.steps, from.steps, paired) : { level: 0, length: 0 }
  return { text, origin: path.origin, level: shared.level, steps: path.steps.slice(shared.length) }
}

/** What a path without leftover `[]` leads to; a list's first value with them. */
export function readValue(base: Json, steps: Path): Json | undefined {
  return steps.includes('each') ? collect(base, steps)?.[0]?.value : valueIn(base, steps)
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
}

/** Everything behind steps with `[]`, in order; undefined when the first list itself is not there. */
export function collect(base: Json, steps: Path): Placed[] | undefined {
  const first = steps.indexOf('each')
  const list = listIn(base, steps.slice(0, first))
  if (list === undefined) return undefined
  let found = opened(list, steps.slice(0, first))
  for (const step of steps.slice(first + 1)) {
    found = found.flatMap(({ value, place }) => {
      if (step === 'each') return opened(asList(value) ?? [], place)
      const next = valueIn(value, [step])
      return next === undefined ? [] : [{ value: next, place: [...place, step] }]
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

function opened(list: readonly Json[], place: Path): Placed[] {
  return list.map((value, index) => ({ value, place: [...place, { index }] }))
}

function keyIn(value: Json, key: string): Json | undefined {
  return isObject(value) ? getKey(value as JsonObject, key) : undefined
}

function sharedPrefix(path: Path, from: Path, levelMax: number): { level: number; length: number } {
  let shared = { level: 0, length: 0 }
  for (const [index, step] of path.entries()) {
    const other = from[index]
    if (shared.level === levelMax || other === undefined || !sameStep(step, other)) break
    if (step === 'each') shared = { level: shared.level + 1, length: index + 1 }
  }
  return shared
}

function sameStep(left: Path[number], right: Path[number]): boolean {
  if (left === 'each' || right === 'each') return left === right
  if ('key' in left) return 'key' in right && left.key === right.key
  return 'index' in right && left.index === right.index
}
