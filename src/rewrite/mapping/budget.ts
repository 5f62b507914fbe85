/** Bounds on what one application of a mapping may cost, far above any honest use. */
import { isObject, type Json, NumberText } from '../../payload/exact-json.ts'
import { Failure } from './failure.ts'

const VALUES_MAX = 2_000_000
const RESULT_CHARACTERS_MAX = 64 * 1024 * 1024
/** Values between two pauses in which other work of the process gets its turn. */
const VALUES_PER_TURN = 5_000

export class Budget {
  #values = VALUES_MAX
  #characters = RESULT_CHARACTERS_MAX
  #turn = VALUES_PER_TURN

  /** Pays for reading so many values. */
  spendValues(count: number): Failure | undefined {
    this.#values -= count
    this.#turn -= count
    return this.#values < 0 ? new Failure(`the mapping reads more than ${VALUES_MAX} values`) : undefined
  }

  /** Pays for what a transform made; values of the payload itself are only shared. */
  spendMade(made: Json | undefined): Failure | undefined {
    if (made !== undefined) this.#characters -= lengthOf(made)
    if (Array.isArray(made)) for (const item of made) this.#characters -= lengthOf(item)
    return this.#characters < 0 ? tooLarge() : undefined
  }

  /** True when other work of the process should have its turn. */
  get tired(): boolean {
    return this.#turn < 0
  }

  async breathe(): Promise<void> {
    this.#turn = VALUES_PER_TURN
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/**
 * Refuses a result that would be too long to write: parts of a payload can be used many times, and cost nothing
 * until then.
 */
export function checkLength(result: Json): Failure | undefined {
  let left = RESULT_CHARACTERS_MAX
  const waiting: Json[] = [result]
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    left -= lengthOf(value)
    if (Array.isArray(value)) for (const item of value) waiting.push(item)
    else if (isObject(value)) {
      for (const key of Object.keys(value)) {
        left -= key.length
        const inner = value[key]
        if (inner !== undefined) waiting.push(inner)
      }
    }
    if (left < 0) return tooLarge()
  }
  return undefined
}

/** About how long a value is when written, without what is inside it. */
function lengthOf(value: Json): number {
  if (typeof value === 'string') return value.length + 3
  // Hexadecimal digits are counted, because they cost only linear time.
  if (typeof value === 'bigint') return Math.ceil(value.toString(16).length * 1.21)
  return value instanceof NumberText ? value.text.length : 5
}

function tooLarge(): Failure {
  return new Failure(`the result is longer than ${RESULT_CHARACTERS_MAX} characters`)
}
