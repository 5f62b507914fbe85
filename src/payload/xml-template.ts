import { PAYLOAD_DEPTH_CEILING } from './body-limits.ts'
import type { Field } from './body-template.ts'
import { checkXml } from './xml-check.ts'
import { findIllegalXmlChar } from './xml-names.ts'

/**
 * Puts fields between the literal parts of an XML document, one between each two.
 *
 * @throws Error with a sentence for a field where no text can stand, and when the result is not well-formed.
 */
export function fillXml(literals: readonly string[], fields: readonly Field[]): string {
  const parts: string[] = []
  let place: Place = 'content'
  for (const [at, literal] of literals.entries()) {
    parts.push(literal)
    place = placeAfter(literal, place)
    const field = fields[at]
    if (field) parts.push(written(field.text, place))
  }
  const text = parts.join('')
  const checked = checkXml(text, { depthMax: PAYLOAD_DEPTH_CEILING, keysMax: text.length })
  if (!checked.ok) throw new Error(`the result is ${checked.message}`)
  return text
}

type Place = 'content' | 'tag' | '"' | "'" | 'cdata' | 'comment' | 'instruction' | 'declaration'

/** What opens each place, the longer first; a field stands inside of what the literal text has opened. */
const OPENINGS: readonly (readonly [string, Place])[] = [
  ['<![CDATA[', 'cdata'],
  ['<!--', 'comment'],
  ['<?', 'instruction'],
  ['<!', 'declaration'],
  ['<', 'tag'],
]
const ENDS: Partial<Record<Place, string>> = {
  cdata: ']]>',
  comment: '-->',
  instruction: '?>',
  declaration: '>',
}

function placeAfter(literal: string, before: Place): Place {
  let place = before
  let at = 0
  while (at < literal.length) {
    const step = stepFrom(literal, at, place)
    place = step.place
    at = step.next
  }
  return place
}

function stepFrom(text: string, at: number, place: Place): { place: Place; next: number } {
  const end = ENDS[place]
  if (end !== undefined) return leaveAt(text, at, end, 'content', place)
  if (place === '"' || place === "'") return leaveAt(text, at, place, 'tag', place)
  if (place === 'tag') return stepInTag(text.charAt(at), at)
  const start = text.indexOf('<', at)
  if (start === -1) return { place, next: text.length }
  const opening = OPENINGS.find(([mark]) => text.startsWith(mark, start))
  const [mark, opened] = opening ?? ['<', 'tag']
  return { place: opened, next: start + mark.length }
}

function leaveAt(text: string, at: number, end: string, outside: Place, inside: Place) {
  const found = text.indexOf(end, at)
  return found === -1 ? { place: inside, next: text.length } : { place: outside, next: found + end.length }
}

function stepInTag(char: string, at: number): { place: Place; next: number } {
  if (char === '>') return { place: 'content', next: at + 1 }
  return { place: char === '"' || char === "'" ? char : 'tag', next: at + 1 }
}

function written(text: string, place: Place): string {
  if (findIllegalXmlChar(text) !== -1) throw new Error('a field holds a character that XML does not allow')
  if (place === 'content') return escaped(text)
  // An attribute would turn other blanks into spaces.
  if (place === '"' || place === "'") return escaped(text).replace(/[\t\n]/g, escapeChar)
  // Beside its own text, a field could complete the end of the section; so it stands outside of it.
  if (place === 'cdata') return `]]>${escaped(text)}<![CDATA[`
  throw new Error(`a field stands in a ${place} of the XML, where no text can stand`)
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
])

function escaped(text: string): string {
  return text.replace(/[&<>"'\r]/g, escapeChar)
}

function escapeChar(char: string): string {
  return ESCAPES.get(char) ?? `&#${char.charCodeAt(0)};`
}
