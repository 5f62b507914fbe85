import { RE2JS } from 're2js'

/**
 * A regular expression that somebody typed in. Texts come from strangers, so it is matched in a time that is linear in
 * the text, whatever it looks like: the engine is RE2's, without look-around and without references back.
 */
export interface Pattern {
  /** Whether it fits anywhere in the text; none of a longer text than {@link MATCHED_CHARS_MAX}. */
  test(text: string): boolean
}

export type ReadPattern =
  | { readonly ok: true; readonly pattern: Pattern }
  | { readonly ok: false; readonly problem: string }

export const PATTERN_CHARS_MAX = 200
/** Linear means that a step is taken for each character and each part of the pattern, so both are limited. */
export const MATCHED_CHARS_MAX = 10_000
const PARTS_MAX = 500

/** Reads a pattern in the syntax of RE2; the problem is worded to follow its name. */
export function readPattern(text: string): ReadPattern {
  if (text.length > PATTERN_CHARS_MAX)
    return { ok: false, problem: `is longer than ${PATTERN_CHARS_MAX} characters` }
  // Before it is compiled, which writes out every repetition.
  if (repetitions(text) > PARTS_MAX) return { ok: false, problem: TOO_MUCH }
  try {
    const compiled = RE2JS.compile(text)
    if (compiled.programSize() > PARTS_MAX) return { ok: false, problem: TOO_MUCH }
    return {
      ok: true,
      pattern: { test: (given) => given.length <= MATCHED_CHARS_MAX && compiled.test(given) },
    }
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error)
    return { ok: false, problem: `is not a pattern: ${reason}` }
  }
}

const TOO_MUCH = `is too much work: written out it has more than ${PARTS_MAX} parts`

/** The sum of all counts: `[a-z]{2,50}` repeats up to fifty times. */
function repetitions(text: string): number {
  return [...text.matchAll(/\{([0-9]+)(?:,([0-9]*))?\}/g)].reduce(
    (sum, [, least, most]) => sum + Math.max(Number(least), Number(most ?? 0)),
    0,
  )
}
