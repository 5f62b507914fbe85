import { placeIn } from './body-problem.ts'
import type { Field } from './body-template.ts'
import { findJsonFault } from './json-fault.ts'

/**
 * Puts fields between the literal parts of a JSON text, one between each two.
 *
 * @throws Error with a sentence when the result is not JSON.
 */
export function fillJson(literals: readonly string[], fields: readonly Field[]): string {
  const parts: string[] = []
  let place: Place = 'outside'
  for (const [at, literal] of literals.entries()) {
    parts.push(literal)
    place = placeAfter(literal, place)
    const field = fields[at]
    if (field) parts.push(written(field, place))
  }
  const text = parts.join('')
  requireJson(text)
  return text
}

type Place = 'outside' | 'in a string' | 'behind a backslash'

function placeAfter(literal: string, before: Place): Place {
  let place = before
  for (const char of literal) {
    if (place === 'behind a backslash') place = 'in a string'
    else if (char === '"') place = place === 'outside' ? 'in a string' : 'outside'
    else if (char === '\\' && place === 'in a string') place = 'behind a backslash'
  }
  return place
}

function written(field: Field, place: Place): string {
  if (place === 'behind a backslash') throw new Error('a field stands behind a backslash')
  return place === 'outside' ? field.json() : JSON.stringify(field.text).slice(1, -1)
}

function requireJson(text: string): void {
  try {
    JSON.parse(text)
  } catch {
    const { reason, position } = findJsonFault(text)
    throw new Error(`the result is not JSON: ${reason} (${placeIn(text, position)})`)
  }
}
