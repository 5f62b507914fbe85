/**
 * The two ways a mapping goes wrong: it was written wrongly (thrown when it is compiled, by name of rule), or a
 * payload does not fit it (a value, never thrown).
 */
import type { Json } from '../../payload/exact-json.ts'
import { isNumeric } from '../../payload/exact-json.ts'

/** A mapping that cannot be used as it is written. */
export class MappingError extends Error {
  /** The destination field as written, with the fields of enclosing rules before it; empty for the whole mapping. */
  readonly rule: string
  readonly problem: string
  /** The keys that lead to the rule in the mapping as written. */
  readonly keys: readonly string[]

  constructor(rule: string, keys: readonly string[], problem: string) {
    super(rule === '' ? problem : `rule ${JSON.stringify(rule)}: ${problem}`)
    this.name = 'MappingError'
    this.rule = rule
    this.keys = keys
    this.problem = problem
  }
}

/** What a step answers instead of a value when the payload does not fit. */
export class Failure {
  readonly message: string
  /** The rule and place, where they are known better than by whoever is told. */
  readonly at: FailurePlace | undefined

  constructor(message: string, at?: FailurePlace) {
    this.message = message
    this.at = at
  }
}

export interface FailurePlace {
  readonly rule: string
  readonly path: string
}

/** A value, nothing (`undefined`), or the reason why there is none. */
export type Outcome = Json | undefined | Failure

const SHOWN_MAX = 40

/** A value as an error message shows it: short, and never the inside of a list or an object. */
export function shown(value: Json): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return JSON.stringify(shortened(value))
  if (typeof value === 'boolean') return String(value)
  if (isNumeric(value)) return typeof value === 'bigint' ? 'a long number' : shortened(String(value))
  return Array.isArray(value) ? 'a list' : 'an object'
}

function shortened(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text
}
