import { type Json, stringifyExact } from '../../../payload/exact-json.ts'
import { Failure } from '../failure.ts'

/** A value as JSON text; writing calls itself for each level, so a value can be too deep for it. */
export function jsonText(value: Json): string | Failure {
  try {
    return stringifyExact(value)
  } catch (error) {
    if (error instanceof RangeError) return new Failure('the value is too deep to write as JSON')
    throw error
  }
}
