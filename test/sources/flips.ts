/** Every way in which one bit of something can be another. */
import { type Json, parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import { parsePath } from '../../src/payload/path.ts'

type Step = string | number

export function* flippedBytes(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length * 8; at++) {
    const changed = Buffer.from(bytes)
    changed.writeUInt8(changed.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3)
    yield changed
  }
}

/** Each unit of a text with one of its lower bits another; of a letter, all that it has. */
export function* flippedText(text: string, bits = 8): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    for (let bit = 0; bit < bits; bit++) {
      const unit = String.fromCharCode(text.charCodeAt(at) ^ (1 << bit))
      yield text.slice(0, at) + unit + text.slice(at + 1)
    }
  }
}

/** Names and values of a form, each with a bit another, as a form again. */
export function* flippedParameters(form: string): Generator<string> {
  const pairs = [...new URLSearchParams(form)]
  for (const [index, pair] of pairs.entries()) {
    for (const side of [0, 1] as const) {
      for (const text of flippedText(pair[side])) {
        const changed: [string, string] = side === 0 ? [text, pair[1]] : [pair[0], text]
        yield new URLSearchParams(pairs.with(index, changed)).toString()
      }
    }
  }
}

/** JSON text with the values at these paths another, and all that they hold, one bit at a time. */
export function* flippedValues(json: string, paths: readonly string[]): Generator<string> {
  const whole = parseExact(json)
  const places = paths.flatMap((path) => placesOf(whole, path)).flatMap((place) => leavesBelow(whole, place))
  for (const place of places) {
    for (const value of flippedScalar(at(whole, place))) {
      const changed = parseExact(json)
      const holder = at(changed, place.slice(0, -1)) as Record<Step, Json>
      holder[place.at(-1) ?? ''] = value
      yield stringifyExact(changed)
    }
  }
}

function* flippedScalar(value: Json | undefined): Generator<Json> {
  if (typeof value === 'string') yield* flippedText(value, 16)
  if (typeof value === 'boolean') yield !value
  if (typeof value !== 'number' && typeof value !== 'bigint') return
  for (const text of flippedText(String(value))) {
    if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text)) yield parseExact(text)
  }
}

/** Where the path leads to, step by step, with an index for every `[]`. */
function placesOf(value: Json, path: string): Step[][] {
  let places: Step[][] = [[]]
  for (const step of parsePath(path)) {
    places = places.flatMap((place) => {
      const held = at(value, place)
      if (step !== 'each') return [[...place, 'key' in step ? step.key : step.index]]
      return Array.isArray(held) ? held.map((_, index) => [...place, index]) : [place]
    })
  }
  return places.filter((place) => at(value, place) !== undefined)
}

function leavesBelow(whole: Json, place: Step[]): Step[][] {
  const held = at(whole, place)
  if (typeof held !== 'object' || held === null) return [place]
  return Object.keys(held).flatMap((key) => leavesBelow(whole, [...place, key]))
}

function at(value: Json, place: readonly Step[]): Json | undefined {
  let held: Json | undefined = value
  for (const step of place) held = (held as Record<Step, Json> | undefined)?.[step]
  return held
}
