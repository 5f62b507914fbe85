import type { BodyLimits } from './body-limits.ts'
import { effectiveDepthMax } from './body-limits.ts'
import { type BodyProblem, bodyProblem, placeIn } from './body-problem.ts'
import { type Json, parseExact } from './exact-json.ts'
import { findJsonFault } from './json-fault.ts'

export interface CheckedJson {
  readonly ok: true
  /** Reads the text exactly, anew at each call. */
  read(): Json
}

/**
 * Checks that text is JSON within the limits. A checked text may be kept as the payload as it stands: every JSON text
 * is one, blanks around it included.
 *
 * Depth and count are found by a plain scan before anything that could overflow sees the text. Numbers of any size
 * are fine; of repeated keys each counts and the last wins.
 */
export function readJson(text: string, limits: BodyLimits): CheckedJson | BodyProblem {
  const shape = checkJsonShape(text, limits)
  if (shape) return shape
  try {
    // The plain parser knows the same grammar as the exact one and is several times faster.
    JSON.parse(text)
  } catch {
    const fault = findJsonFault(text)
    return bodyProblem('unreadable', `not valid JSON: ${fault.reason} (${placeIn(text, fault.position)})`)
  }
  return { ok: true, read: () => parseExact(text) }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c

/**
 * Counts brackets and commas outside of strings. What is no JSON is left to the parser, so anything may be counted
 * there. This runs on every body before the sender is answered, and most of a body is strings: their ends are found
 * by `indexOf`, which is many times faster than a loop.
 */
function checkJsonShape(text: string, limits: BodyLimits): BodyProblem | undefined {
  const depthMax = effectiveDepthMax(limits)
  if (isTooSmallToExceed(text, depthMax, limits.keysMax)) return undefined
  let depth = 0
  let keys = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(text, at)
    } else if (code === COMMA) {
      keys++
    } else if (code === 0x7b || code === 0x5b) {
      depth++
      if (depth > depthMax) return tooDeep(text, at, depthMax)
      if (!closesAtOnce(text, at)) keys++
    } else if (code === 0x7d || code === 0x5d) {
      depth--
    } else continue
    if (keys > limits.keysMax) return tooManyKeys(limits.keysMax)
  }
  return undefined
}

/**
 * Most bodies have fewer characters than keys are allowed, and fewer brackets, those in strings counted too, than
 * levels: to see that costs a tenth of the scan.
 */
function isTooSmallToExceed(text: string, depthMax: number, keysMax: number): boolean {
  if (text.length > keysMax) return false
  return countUpTo(depthMax, '{', text) + countUpTo(depthMax, '[', text) <= depthMax
}

/** How often `sign` occurs; counted no further than one more than `most`. */
function countUpTo(most: number, sign: string, text: string): number {
  let count = 0
  for (let at = text.indexOf(sign); at !== -1 && count <= most; at = text.indexOf(sign, at + 1)) count++
  return count
}

/** The closing quote, or the end of a text that has none. A quote behind an odd number of backslashes closes nothing. */
function endOfString(text: string, open: number): number {
  let from = open + 1
  for (;;) {
    const quote = text.indexOf('"', from)
    if (quote === -1) return text.length
    let before = quote
    while (before > from && text.charCodeAt(before - 1) === BACKSLASH) before--
    if ((quote - before) % 2 === 0) return quote
    from = quote + 1
  }
}

/** True for `{}` and `[ ]`. Blanks are looked at once more here, never twice. */
function closesAtOnce(text: string, open: number): boolean {
  let at = open + 1
  while (isBlank(text.charCodeAt(at))) at++
  const code = text.charCodeAt(at)
  return code === 0x7d || code === 0x5d
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

function tooDeep(text: string, position: number, depthMax: number): BodyProblem {
  return bodyProblem('too_deep', `nested deeper than ${depthMax} levels (${placeIn(text, position)})`)
}

function tooManyKeys(keysMax: number): BodyProblem {
  return bodyProblem('too_many_keys', `more than ${keysMax} keys and elements`)
}
