/**
 * Where a rule writes. The destination's `[]` pair with the source's from the left; what is left over fills every
 * element that other rules made, or, at the end of the path, makes a list.
 */
import { type Path, parsePath } from '../../payload/path.ts'

export type DestinationStep = { key: string } | { index: number } | { paired: number } | 'every'

export interface Destination {
  readonly steps: readonly DestinationStep[]
  /** The value is to be a list: a list stays as it is, anything else becomes a list of one. */
  readonly wraps: boolean
}

const EACH_STEPS_MAX = 8
const INDEX_MAX = 999

/** @throws PathError or RangeError with the problem. */
export function parseDestination(text: string): Path {
  const path = parsePath(text)
  if (eachCount(path) > EACH_STEPS_MAX)
    throw new RangeError(`the destination has more than ${EACH_STEPS_MAX} []`)
  if (path.some((step) => step !== 'each' && 'index' in step && step.index > INDEX_MAX))
    throw new RangeError(`the destination has an index above ${INDEX_MAX}`)
  return path
}

export function eachCount(path: Path): number {
  return path.filter((step) => step === 'each').length
}

/** @throws RangeError when more than one unpaired `[]` stands at the end. */
export function pairDestination(path: Path, paired: number): Destination {
  let seen = 0
  const steps = path.map((step): DestinationStep => {
    if (step !== 'each') return step
    seen += 1
    return seen <= paired ? { paired: seen - 1 } : 'every'
  })
  if (steps.at(-1) !== 'every') return { steps, wraps: false }
  if (steps.at(-2) === 'every') throw new RangeError('the destination ends in more [] than the source has')
  return { steps: steps.slice(0, -1), wraps: true }
}

/**
 * The order in which rules are applied, whatever the order they were written in (JSON stores may change it): whole
 * values before their parts, every element before a numbered one, and what fills existing elements last.
 */
export function compareDestinations(left: Destination, right: Destination): number {
  const fills = Number(left.steps.includes('every')) - Number(right.steps.includes('every'))
  if (fills !== 0) return fills
  return left.steps.length - right.steps.length || indexes(left) - indexes(right)
}

function indexes({ steps }: Destination): number {
  return steps.filter((step) => step !== 'every' && 'index' in step).length
}
