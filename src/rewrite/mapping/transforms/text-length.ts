import { Failure } from '../failure.ts'

/** Of a text that a transform makes; asked before it is made, because a longer one may be more than memory holds. */
export const TEXT_CHARACTERS_MAX = 32 * 1024 * 1024

export function tooLong(): Failure {
  return new Failure(`makes a text of more than ${TEXT_CHARACTERS_MAX} characters`)
}
