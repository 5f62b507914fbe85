import { formatPath, type PathStep } from '../../../payload/path.ts'
import { describeThrown } from './describe-error.ts'
import {
  apply,
  BigIntClass,
  BooleanClass,
  DateClass,
  dateTime,
  isArray,
  isFiniteNumber,
  isNotNumber,
  MapClass,
  NumberClass,
  objectKeys,
  PromiseClass,
  SetClass,
  StringClass,
  WeakMapClass,
  WeakSetClass,
} from './primordials.ts'

export type Written =
  | { ok: true; text: string | undefined }
  | { ok: false; reason: 'bad_return' | 'output_too_large'; problem: string }

const DEPTH_MAX = 1_000

interface Writing {
  path: PathStep[]
  ancestors: object[]
  charsLeft: number
  charsMax: number
}

/** Carries a problem out of the recursion; no error of the stranger's is ever one of these. */
class Unwritable {
  readonly reason: 'bad_return' | 'output_too_large'
  readonly problem: string

  constructor(reason: 'bad_return' | 'output_too_large', problem: string) {
    this.reason = reason
    this.problem = problem
  }
}

/**
 * Writes a value as JSON text in one pass, each property read once. As `JSON.stringify` does it, apart from
 * what that loses in silence: bigints keep their digits; NaN, infinities, invalid dates, maps, sets and promises
 * are a problem with its path.
 */
export function writeJson(root: unknown, name: string, charsMax: number, fileName: string): Written {
  const writing: Writing = { path: [{ key: name }], ancestors: [], charsLeft: charsMax, charsMax }
  try {
    return { ok: true, text: write(root, name, writing) }
  } catch (thrown) {
    if (thrown instanceof Unwritable) return { ok: false, reason: thrown.reason, problem: thrown.problem }
    const problem = `reading ${placeOf(writing)} failed: ${describeThrown(thrown, fileName)}`
    return { ok: false, reason: 'bad_return', problem }
  }
}

function write(given: unknown, key: string, writing: Writing): string | undefined {
  const value = typeof given === 'object' && given !== null ? jsonForm(given, key, writing) : given
  switch (typeof value) {
    case 'string':
      return writeString(value, writing)
    case 'number':
      if (!isFiniteNumber(value)) throw bad(`is ${value}, which JSON cannot hold`, writing)
      return spend(`${value}`, writing)
    case 'bigint':
    case 'boolean':
      return spend(`${value}`, writing)
    case 'object':
      return value === null ? spend('null', writing) : writeObject(value, writing)
    default:
      return undefined
  }
}

/** What stands for an object: what its `toJSON` gives, or the primitive inside a wrapper. */
function jsonForm(value: object, key: string, writing: Writing): unknown {
  if (JSON.isRawJSON(value)) return value
  if (value instanceof DateClass && isNotNumber(dateTime(value))) throw bad('is an invalid Date', writing)
  const toJson = (value as { toJSON?: unknown }).toJSON
  const form = typeof toJson === 'function' ? (apply(toJson, value, [key]) as unknown) : value
  if (
    form instanceof NumberClass ||
    form instanceof StringClass ||
    form instanceof BooleanClass ||
    form instanceof BigIntClass
  )
    return form.valueOf()
  return form
}

function writeObject(value: object, writing: Writing): string {
  if (JSON.isRawJSON(value)) return spend(JSON.stringify(value), writing)
  refuseKind(value, writing)
  const { ancestors } = writing
  for (let index = 0; index < ancestors.length; index += 1)
    if (ancestors[index] === value) throw bad('contains itself (a cycle)', writing)
  if (ancestors.length >= DEPTH_MAX) throw bad(`lies deeper than ${DEPTH_MAX} levels`, writing)
  ancestors[ancestors.length] = value
  const text = isArray(value) ? writeList(value, writing) : writePlain(value, writing)
  ancestors.length -= 1
  return text
}

function refuseKind(value: object, writing: Writing): void {
  if (value instanceof PromiseClass) throw bad('is a Promise: it needs an await', writing)
  if (value instanceof MapClass) throw bad('is a Map: use Object.fromEntries(map) or [...map]', writing)
  if (value instanceof SetClass) throw bad('is a Set: use [...set]', writing)
  if (value instanceof WeakMapClass || value instanceof WeakSetClass)
    throw bad('is a weak collection, which JSON cannot hold', writing)
  const marks = value as { _jsonata_lambda?: unknown; _jsonata_function?: unknown }
  if (marks._jsonata_lambda === true || marks._jsonata_function === true) throw bad('is a function', writing)
}

function writeList(value: unknown[], writing: Writing): string {
  let text = ''
  const { length } = value
  for (let index = 0; index < length; index += 1) {
    if (index > 0) text += spend(',', writing)
    enter({ index }, writing)
    text += write(value[index], `${index}`, writing) ?? spend('null', writing)
    leave(writing)
  }
  return `[${text}]`
}

function writePlain(value: object, writing: Writing): string {
  let text = ''
  const keys = objectKeys(value)
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index] as string
    enter({ key }, writing)
    const item = write((value as Record<string, unknown>)[key], key, writing)
    if (item !== undefined) text += `${text === '' ? '' : ','}${writeString(key, writing)}:${item}`
    writing.charsLeft -= 2
    leave(writing)
  }
  return `{${text}}`
}

function writeString(value: string, writing: Writing): string {
  // Asked before the string is quoted, so that a gigantic one is never copied.
  if (value.length > writing.charsLeft) throw tooLarge(writing)
  return spend(JSON.stringify(value), writing)
}

function spend(text: string, writing: Writing): string {
  writing.charsLeft -= text.length
  if (writing.charsLeft < 0) throw tooLarge(writing)
  return text
}

function enter(step: PathStep, writing: Writing): void {
  writing.path[writing.path.length] = step
}

function leave(writing: Writing): void {
  writing.path.length -= 1
}

function bad(problem: string, writing: Writing): Unwritable {
  return new Unwritable('bad_return', `${placeOf(writing)} ${problem}`)
}

function tooLarge(writing: Writing): Unwritable {
  const [top] = writing.path
  const name = top === undefined ? 'the result' : formatPath([top])
  return new Unwritable('output_too_large', `${name} is larger than ${writing.charsMax} bytes of JSON`)
}

/** A cycle's path can be a thousand steps long; the beginning says enough. */
function placeOf(writing: Writing): string {
  const text = formatPath(writing.path.slice(0, 20))
  return writing.path.length > 20 || text.length > 300 ? `${text.slice(0, 300)}…` : text
}
