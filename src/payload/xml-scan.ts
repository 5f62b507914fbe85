import type { BodyProblemName } from './body-problem.ts'
import { shortName } from './body-problem.ts'
import { isXmlCodePoint, XML_NAME, XML_NAME_CHARS_MAX } from './xml-names.ts'

/** Thrown and caught within the XML check only. */
export class XmlFault extends Error {
  readonly position: number
  readonly problem: BodyProblemName

  constructor(position: number, message: string, problem: BodyProblemName = 'unreadable') {
    super(message)
    this.position = position
    this.problem = problem
  }
}

export interface Scan {
  readonly text: string
  readonly depthMax: number
  readonly keysMax: number
  at: number
  keys: number
  readonly open: string[]
  /** The parts of the root that are kept, and up to where the text has been taken over or left out. */
  readonly kept: string[]
  keptTo: number
  /** The next `&` at or after the place last asked for, so that a search never runs over the same text twice. */
  nextAmpersand: number
}

export const BLANKS = /[ \t\r\n]*/y
const NAME = new RegExp(XML_NAME, 'y')

export function countKey(scan: Scan, position: number): void {
  scan.keys++
  if (scan.keys > scan.keysMax)
    throw new XmlFault(
      position,
      `more than ${scan.keysMax} elements, attributes and CDATA sections`,
      'too_many_keys',
    )
}

export function takeName(scan: Scan, problem: string): string {
  const start = scan.at
  NAME.lastIndex = start
  const name = NAME.exec(scan.text)?.[0]
  if (name === undefined) throw new XmlFault(start, problem)
  if (name.length > XML_NAME_CHARS_MAX)
    throw new XmlFault(start, `a name is longer than ${XML_NAME_CHARS_MAX} characters`)
  scan.at = NAME.lastIndex
  return name
}

export function take(scan: Scan, pattern: RegExp): boolean {
  pattern.lastIndex = scan.at
  if (!pattern.test(scan.text)) return false
  scan.at = pattern.lastIndex
  return true
}

const REFERENCE = /&(?:(?:lt|gt|amp|apos|quot)|#(?:0*([0-9]{1,7})|x0*([0-9a-fA-F]{1,6})));/y

export function checkReferences(scan: Scan, start: number, end: number): void {
  if (scan.nextAmpersand < start) scan.nextAmpersand = nextAmpersand(scan.text, start)
  while (scan.nextAmpersand < end) {
    const at = scan.nextAmpersand
    REFERENCE.lastIndex = at
    const found = REFERENCE.exec(scan.text)
    if (!found) throw new XmlFault(at, referenceFault(scan.text, at))
    const [, decimal, hexadecimal] = found
    const code = decimal ? Number(decimal) : hexadecimal ? Number.parseInt(hexadecimal, 16) : undefined
    if (code !== undefined && !isXmlCodePoint(code))
      throw new XmlFault(at, 'a reference to a character that XML does not allow')
    scan.nextAmpersand = nextAmpersand(scan.text, REFERENCE.lastIndex)
  }
}

function nextAmpersand(text: string, from: number): number {
  const at = text.indexOf('&', from)
  return at === -1 ? Number.POSITIVE_INFINITY : at
}

function referenceFault(text: string, at: number): string {
  NAME.lastIndex = at + 1
  const name = NAME.exec(text.slice(0, at + 1 + XML_NAME_CHARS_MAX))?.[0]
  if (name !== undefined && text.charAt(at + 1 + name.length) === ';')
    return `the entity &${shortName(name)}; is not one of the five that need no DTD`
  return text.startsWith('&#', at) ? 'a character reference is malformed' : '& that begins no reference'
}
