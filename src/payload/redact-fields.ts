import { getKey, isObject, type Json, type JsonObject, NumberText, setKey } from './exact-json.ts'
import { type Path, parsePath } from './path.ts'

/** What stands where something is not shown. */
export const MASK = '***'

/**
 * Everything that must not be shown, as text; or `everything` where that is too much to look for.
 */
export type HiddenTexts = readonly string[] | 'everything'

export interface RedactedFields {
  /** The data with {@link MASK} at each place. */
  masked: Json
  /** The values that stood there. */
  texts: HiddenTexts
}

/** More is not looked for: then nothing is shown at all. */
const TEXTS_MAX = 1_000
const TEXT_CHARS_MAX = 32_768

/**
 * Masks what stands at these paths, with all that is below it; null and empty text stay. A path is read generously,
 * because a list that has one element may come as a value (in XML it does), and a field that is missed is shown: a key
 * or `[]` holds for a list's elements and for a single value alike. `**.email` is that key at any depth.
 *
 * @throws PathError when a path cannot be read, which is to be checked when the setting is made.
 */
export function redactFields(value: Json, paths: readonly string[]): RedactedFields {
  const texts = new Set<string>()
  const masked = stepsOf(paths).reduce((left, path) => maskAt(left, path, 0, texts), value)
  return { masked, texts: bounded(texts) }
}

/** The values that are masked in one of two states of the same data. */
export function textsBehind(value: Json, masked: Json): HiddenTexts {
  const texts = new Set<string>()
  findBehind(value, masked, texts)
  return bounded(texts)
}

export function joinTexts(...all: HiddenTexts[]): HiddenTexts {
  const texts = new Set<string>()
  for (const some of all) {
    if (some === 'everything') return some
    for (const text of some) texts.add(text)
  }
  return bounded(texts)
}

/** A definition keeps its list for as long as it is cached, so its paths are read once. */
const known = new WeakMap<readonly string[], Path[]>()

function stepsOf(paths: readonly string[]): Path[] {
  const read = known.get(paths)
  if (read) return read
  const made = paths.map(parsePath)
  known.set(paths, made)
  return made
}

const ANYWHERE = '**'

function maskAt(value: Json, path: Path, at: number, texts: Set<string>): Json {
  const step = path[at]
  if (step === undefined) return maskWhole(value, texts)
  if (step === 'each')
    return Array.isArray(value)
      ? changedList(value, (element) => maskAt(element, path, at + 1, texts))
      : maskAt(value, path, at + 1, texts)
  if ('index' in step) {
    if (!Array.isArray(value)) return maskAt(value, path, at + 1, texts)
    return changedList(value, (element, index) =>
      index === step.index ? maskAt(element, path, at + 1, texts) : element,
    )
  }
  if (step.key === ANYWHERE) return maskAnywhere(value, path, at + 1, texts)
  if (Array.isArray(value)) return changedList(value, (element) => maskAt(element, path, at, texts))
  if (!isObject(value)) return value
  return changedObject(value, (held, key) => (key === step.key ? maskAt(held, path, at + 1, texts) : held))
}

function maskAnywhere(value: Json, path: Path, at: number, texts: Set<string>): Json {
  const below = (held: Json) => maskAnywhere(held, path, at, texts)
  if (Array.isArray(value)) return changedList(value, below)
  if (!isObject(value)) return value
  const masked = maskAt(value, path, at, texts)
  return isObject(masked) ? changedObject(masked, below) : masked
}

function maskWhole(value: Json, texts: Set<string>): Json {
  if (value === null || value === '' || value === MASK) return value
  collect(value, texts)
  return MASK
}

/** Names of fields are none of its values, and true and false stand everywhere. */
function collect(value: Json, texts: Set<string>): void {
  if (Array.isArray(value)) for (const element of value) collect(element, texts)
  else if (isObject(value)) for (const held of Object.values(value)) collect(held, texts)
  else if (value !== null && typeof value !== 'boolean') {
    const text = textOf(value).trim()
    if (text !== '') texts.add(text)
  }
}

function findBehind(value: Json, masked: Json, texts: Set<string>): void {
  if (masked === MASK) {
    if (value !== MASK) collect(value, texts)
  } else if (Array.isArray(value) && Array.isArray(masked)) {
    for (const [index, element] of value.entries()) findBehind(element, masked[index] ?? null, texts)
  } else if (isObject(value) && isObject(masked)) {
    for (const [key, held] of Object.entries(value))
      findBehind(held, Object.hasOwn(masked, key) ? (masked[key] ?? null) : null, texts)
  }
}

/** A scalar as people write it. */
export function textOf(scalar: string | number | bigint | boolean | NumberText): string {
  return scalar instanceof NumberText ? scalar.text : String(scalar)
}

function bounded(texts: Set<string>): HiddenTexts {
  let chars = 0
  for (const text of texts) chars += text.length
  return texts.size > TEXTS_MAX || chars > TEXT_CHARS_MAX ? 'everything' : [...texts]
}

function changedList(list: Json[], change: (element: Json, index: number) => Json): Json[] {
  const changed = list.map(change)
  return changed.some((element, index) => element !== list[index]) ? changed : list
}

function changedObject(object: JsonObject, change: (held: Json, key: string) => Json): JsonObject {
  const changed: JsonObject = {}
  let same = true
  for (const [key, held] of Object.entries(object)) {
    const now = change(held, key)
    same &&= now === held
    setKey(changed, key, now)
  }
  return same ? object : changed
}

/**
 * Puts back what was masked where it stands as it was shown. Undefined when a mask stands where there is nothing to put
 * back.
 */
export function restoreMasked(given: Json, shown: Json, original: Json): Json | undefined {
  if (Array.isArray(given)) {
    const [wasShown, was] = [Array.isArray(shown) ? shown : [], Array.isArray(original) ? original : []]
    return restoreAll(
      given.map((element, index) => restoreMasked(element, wasShown[index] ?? null, was[index] ?? null)),
    )
  }
  if (isObject(given)) {
    const [wasShown, was] = [isObject(shown) ? shown : {}, isObject(original) ? original : {}]
    const restored: JsonObject = {}
    for (const [key, held] of Object.entries(given)) {
      const back = restoreMasked(held, getKey(wasShown, key) ?? null, getKey(was, key) ?? null)
      if (back === undefined) return undefined
      setKey(restored, key, back)
    }
    return restored
  }
  if (typeof given !== 'string' || !given.includes(MASK)) return given
  return given === shown ? original : undefined
}

function restoreAll(list: (Json | undefined)[]): Json[] | undefined {
  const restored = list.filter((element) => element !== undefined)
  return restored.length === list.length ? restored : undefined
}
