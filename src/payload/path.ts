/**
 * Paths into a payload, one notation everywhere: mapping, conditions, dedupe keys, `alwaysList`, batch split.
 *
 *     order.items[0].sku       a key, an index
 *     order.items[].sku        every element
 *     order["odd.key"].x       a key in quotes, with JSON escapes
 *     webhook.@id              any other key stands as it is
 */
import { getKey, isObject, type Json } from './exact-json.ts'

export type PathStep = { key: string } | { index: number } | 'each'
export type Path = readonly PathStep[]

/** A path that cannot be read; `position` counts characters from 0. */
export class PathError extends Error {
  constructor(path: string, position: number, problem: string) {
    super(`${problem} at position ${position} of path ${JSON.stringify(path)}`)
    this.name = 'PathError'
  }
}

const PATH_LENGTH_MAX = 1_000

/**
 * Reads a path. The empty path is the whole payload.
 *
 * @throws PathError with the place and the problem.
 */
export function parsePath(text: string): Path {
  if (text.length > PATH_LENGTH_MAX)
    throw new PathError(`${text.slice(0, 40)}…`, PATH_LENGTH_MAX, 'path is too long')
  const steps: PathStep[] = []
  let at = 0
  while (at < text.length) {
    if (text[at] === '[') at = readBracket(text, at, steps)
    else at = readName(text, at, steps)
  }
  return steps
}

/**
 * Everything the path leads to, in order; nothing when it leads nowhere. With `[]` there may be many, without
 * there is at most one. Only own keys are seen.
 */
export function resolvePath(value: Json, path: Path): Json[] {
  let found: Json[] = [value]
  for (const step of path) found = found.flatMap((item) => resolveStep(item, step))
  return found
}

/** The one value at a path without `[]`, or the first with it. */
export function valueAt(value: Json, path: Path): Json | undefined {
  return resolvePath(value, path)[0]
}

/** The path in the notation that {@link parsePath} reads. */
export function formatPath(path: Path): string {
  return path.map(formatStep).join('').replace(/^\./, '')
}

function resolveStep(value: Json, step: PathStep): Json[] {
  if (step === 'each') return elementsOf(value)
  const next =
    'index' in step ? elementAt(value, step.index) : isObject(value) ? getKey(value, step.key) : undefined
  return next === undefined ? [] : [next]
}

/** A single value stands for a list of one: XML has no other way to write that. */
function elementsOf(value: Json): Json[] {
  if (Array.isArray(value)) return value
  return value === null ? [] : [value]
}

function elementAt(value: Json, index: number): Json | undefined {
  return Array.isArray(value) ? value[index] : undefined
}

function readBracket(text: string, start: number, steps: PathStep[]): number {
  const rest = text.slice(start)
  const each = /^\[\]/.exec(rest)
  if (each) return push(steps, 'each', start + each[0].length)
  const index = /^\[([0-9]{1,9})\]/.exec(rest)
  if (index) return push(steps, { index: Number(index[1]) }, start + index[0].length)
  const quoted = /^\[("(?:[^"\\]|\\.)*")\]/.exec(rest)
  if (quoted)
    return push(steps, { key: readQuoted(text, start + 1, quoted[1] ?? '') }, start + quoted[0].length)
  throw new PathError(text, start, 'expected [], [number] or ["key"]')
}

function readName(text: string, start: number, steps: PathStep[]): number {
  let at = start
  if (text[at] === '.') {
    if (start === 0) throw new PathError(text, start, 'a path does not begin with a dot')
    at += 1
  } else if (start > 0) {
    throw new PathError(text, start, 'expected a dot or [')
  }
  const name = /^[^.[\]]+/.exec(text.slice(at))
  if (!name) throw new PathError(text, at, 'expected a key')
  return push(steps, { key: name[0] }, at + name[0].length)
}

function readQuoted(text: string, position: number, quoted: string): string {
  try {
    return JSON.parse(quoted) as string
  } catch {
    throw new PathError(text, position, 'the quoted key is not a JSON string')
  }
}

function push(steps: PathStep[], step: PathStep, next: number): number {
  steps.push(step)
  return next
}

function formatStep(step: PathStep): string {
  if (step === 'each') return '[]'
  if ('index' in step) return `[${step.index}]`
  return /^[^.[\]"]+$/.test(step.key) ? `.${step.key}` : `[${JSON.stringify(step.key)}]`
}
