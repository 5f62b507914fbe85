import { casesOf, fold } from './letter-cases.ts'
import { ESCAPES, readingsAt } from './written-forms.ts'

/** Where a text stands; what is written there may be longer than the text. */
export interface Place {
  from: number
  to: number
  /** The text, folded. */
  text: string
}

/** Finds texts in another one. */
export interface Finder {
  /**
   * The longest text at each place, in any case and however it is written; none within another. Undefined where it would
   * take too long, as somebody who chooses both the texts and where they are sought can achieve.
   *
   * @param counts whether it is what is sought, given what stands around it
   */
  placesIn(given: string, counts?: (place: Place, folded: string) => boolean): Place[] | undefined
}

/** Steps that may be taken for each character of a text, and for any text at all. */
const STEPS_PER_CHAR = 4
const STEPS_MIN = 500_000
/** What it takes to read an escape, and to look at what stands around a place, whatever comes of it. */
const READING_STEPS = 2
const SURROUNDINGS_STEPS = 8

export function finderOf(texts: readonly string[]): Finder {
  const sorted = [...new Set(texts.flatMap(casesOf))].filter((text) => text !== '').toSorted()
  const begins = new Set(sorted.map((text) => text.charCodeAt(0)))
  const beginsWithSpace = begins.has(SPACE)
  for (const sign of ESCAPES) if (sign !== '+' || beginsWithSpace) begins.add(sign.charCodeAt(0))
  return {
    placesIn(given, counts = () => true) {
      const folded = fold(given)
      const places: Place[] = []
      let steps = STEPS_MIN + given.length * STEPS_PER_CHAR
      for (let at = 0; at < folded.length; at++) {
        if (!begins.has(folded.charCodeAt(at))) continue
        const { place, taken } = longestAt(sorted, folded, at, steps, counts)
        steps -= taken
        if (steps <= 0) return undefined
        if (place === undefined) continue
        places.push(place)
        at = place.to - 1
      }
      return places
    },
  }
}

const SPACE = 0x20

/** Puts something else in these places. */
export function replaceAt(given: string, places: readonly Place[], by: string): string {
  const parts: string[] = []
  let from = 0
  for (const place of places) {
    parts.push(given.slice(from, place.from), by)
    from = place.to
  }
  return from === 0 ? given : parts.join('') + given.slice(from)
}

/** The texts that begin with what was read up to here. */
interface Narrowed {
  low: number
  high: number
  /** Characters of a text that were read. */
  depth: number
  /** Up to where. */
  at: number
  /** The text that is whole there. */
  whole?: string | undefined
}

/** Narrows the sorted texts down character by character, each of which may be read in several ways. */
function longestAt(
  sorted: readonly string[],
  folded: string,
  from: number,
  stepsMax: number,
  counts: (place: Place, folded: string) => boolean,
): { place: Place | undefined; taken: number } {
  const open: Narrowed[] = [{ low: 0, high: sorted.length, depth: 0, at: from }]
  let place: Place | undefined
  let taken = 0
  for (let next = open.pop(); next && taken < stepsMax; next = open.pop()) {
    if (next.at >= folded.length) continue
    const plain = { units: folded.charAt(next.at), end: next.at + 1 }
    if (ESCAPES.includes(plain.units)) taken += READING_STEPS
    for (const { units, end } of [plain, ...readingsAt(folded, next.at)]) {
      taken += units.length
      const narrowed = narrow(sorted, next, units, end)
      if (narrowed === undefined) continue
      const { whole } = narrowed
      if (whole !== undefined && (place === undefined || end > place.to)) {
        const found = { from, to: end, text: whole }
        taken += SURROUNDINGS_STEPS
        if (counts(found, folded)) place = found
      }
      if (narrowed.low < narrowed.high) open.push(narrowed)
    }
  }
  return { place, taken }
}

function narrow(
  sorted: readonly string[],
  before: Narrowed,
  units: string,
  end: number,
): Narrowed | undefined {
  let { low, high, depth } = before
  let whole: string | undefined
  for (let index = 0; index < units.length; index++) {
    const code = units.charCodeAt(index)
    low = firstAt(sorted, low, high, depth, code)
    high = firstAt(sorted, low, high, depth, code + 1)
    if (low >= high) return undefined
    depth++
    whole = sorted[low]?.length === depth ? sorted[low] : undefined
    if (whole !== undefined) low++
  }
  return { low, high, depth, at: end, whole }
}

/** The first of the texts, which are alike up to there, whose character at this place is not before the code. */
function firstAt(sorted: readonly string[], low: number, high: number, place: number, code: number): number {
  let [from, to] = [low, high]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((sorted[middle]?.charCodeAt(place) ?? 0) < code) from = middle + 1
    else to = middle
  }
  return from
}
