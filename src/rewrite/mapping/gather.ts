/** What a rule reads from one payload or element: its slots, one for each combination of paired elements. */
import type { Json } from '../../payload/exact-json.ts'
import type { Path } from '../../payload/path.ts'
import type { Reading } from './compiled.ts'
import { type Frame, placeText } from './frame.ts'
import { listIn } from './source-path.ts'

export interface Slot {
  /** The number of the element at each paired `[]`. */
  readonly indices: readonly number[]
  /** The element at each paired `[]`. */
  readonly elements: readonly Json[]
  /** The value that the rest of the path starts from. */
  readonly base: Json
}

export interface Gathered {
  /** Every list that was met at a paired `[]`: where, and how long. */
  readonly lists: readonly { readonly indices: readonly number[]; readonly length: number }[]
  readonly slots: readonly Slot[]
  /** The elements whose list is not there at all. */
  readonly missing: readonly { readonly indices: readonly number[] }[]
}

export function gather(reading: Reading, frame: Frame): Gathered {
  const lists: { indices: readonly number[]; length: number }[] = []
  const missing: { indices: readonly number[] }[] = []
  let slots: Slot[] = [{ indices: [], elements: [], base: frame[reading.path.origin] }]
  for (const head of reading.heads) {
    slots = slots.flatMap(({ indices, elements, base }) => {
      const list = listIn(base, head)
      if (list === undefined) missing.push({ indices })
      else lists.push({ indices, length: list.length })
      return (list ?? []).map((element, index) => ({
        indices: [...indices, index],
        elements: [...elements, element],
        base: element,
      }))
    })
  }
  return { lists, slots, missing }
}

/** The steps from the path's origin to a slot's base. */
export function slotSteps(reading: Reading, indices: readonly number[]): Path {
  return reading.heads.flatMap((head, level) => {
    const index = indices[level]
    return index === undefined ? (level === indices.length ? [...head] : []) : [...head, { index }]
  })
}

/** The place a slot reads from, for messages; of a list that is not there, the place of the list. */
export function slotPlace(reading: Reading, frame: Frame, indices: readonly number[]): string {
  const rest = indices.length < reading.heads.length ? [] : reading.rest
  return placeText(frame, reading.path.origin, [...slotSteps(reading, indices), ...rest])
}
