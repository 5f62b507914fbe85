import { isObject, type Json, NumberText, parseExact, setKey } from '../../../payload/exact-json.ts'
import { formatPath, type PathStep } from '../../../payload/path.ts'

/** What a number that JavaScript cannot hold turns into. */
export type Stand = (digits: string) => unknown

const PATHS_NAMED_MAX = 5

export interface Read {
  value: unknown
  /** Paths of numbers that no JavaScript number holds, the first few only. */
  unheld: string[]
  unheldCount: number
}

/** Reads exact JSON: long integers as bigint, numbers that no double holds as what `stand` makes of them. */
export function readJson(text: string, stand: Stand): Read {
  const read: Read = { value: undefined, unheld: [], unheldCount: 0 }
  read.value = replace(parseExact(text), stand, read, [])
  return read
}

function replace(value: Json, stand: Stand, read: Read, path: PathStep[]): unknown {
  if (value instanceof NumberText) {
    read.unheldCount += 1
    if (read.unheld.length < PATHS_NAMED_MAX) read.unheld.push(formatPath(path))
    return stand(value.text)
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      if (holdsMore(item)) value[index] = replace(item, stand, read, [...path, { index }]) as Json
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      const item = value[key] as Json
      if (holdsMore(item)) setKey(value, key, replace(item, stand, read, [...path, { key }]) as Json)
    }
  }
  return value
}

function holdsMore(value: Json): boolean {
  return typeof value === 'object' && value !== null
}
