import type { BodyLimits } from './body-limits.ts'
import { effectiveDepthMax } from './body-limits.ts'
import { type BodyProblem, bodyProblem, placeIn, shortName } from './body-problem.ts'
import { findIllegalXmlChar } from './xml-names.ts'
import { skipComment, skipDeclaration, skipInstruction, skipMisc } from './xml-prolog.ts'
import { BLANKS, checkReferences, countKey, type Scan, take, takeName, XmlFault } from './xml-scan.ts'

export interface CheckedXml {
  readonly ok: true
  /**
   * The root element alone, without comments and processing instructions, and with long text in CDATA sections that
   * begin with {@link TEXT_MARK}: the form in which the tree builder makes no mistakes and takes linear time.
   */
  readonly root: string
}

/** Tells text that was wrapped into a CDATA section from a real one; no XML document can hold this character. */
export const TEXT_MARK = '\u0001'

/**
 * Checks that text is a well-formed XML 1.0 document within the limits: one root, matching tags, legal names and
 * characters, unique quoted attributes, the five predefined entities and legal character references only.
 *
 * A DOCTYPE that only names a DTD is passed over, one with an internal subset is refused; nothing is ever fetched or
 * expanded. One pass, no recursion, time linear in the text.
 */
export function checkXml(text: string, limits: BodyLimits): CheckedXml | BodyProblem {
  try {
    return { ok: true, root: scanDocument(text, limits) }
  } catch (error) {
    if (!(error instanceof XmlFault)) throw error
    const reason = error.problem === 'unreadable' ? `not well-formed XML: ${error.message}` : error.message
    return bodyProblem(error.problem, `${reason} (${placeIn(text, error.position)})`)
  }
}

function scanDocument(text: string, limits: BodyLimits): string {
  const illegal = findIllegalXmlChar(text)
  if (illegal !== -1) throw new XmlFault(illegal, 'a character that XML does not allow')
  const depthMax = effectiveDepthMax(limits)
  const { keysMax } = limits
  const scan: Scan = {
    text,
    depthMax,
    keysMax,
    at: 0,
    keys: 0,
    open: [],
    kept: [],
    keptTo: 0,
    nextAmpersand: -1,
  }
  skipDeclaration(scan)
  skipMisc(scan, true)
  scan.keptTo = scan.at
  scanRoot(scan)
  keepUpTo(scan, scan.at)
  skipMisc(scan, false)
  if (scan.at < text.length) {
    const tag = text.charCodeAt(scan.at) === LESS_THAN && !text.startsWith('<!', scan.at)
    throw new XmlFault(scan.at, tag ? 'a second root element' : 'text after the root element')
  }
  return scan.kept.join('')
}

const LESS_THAN = 0x3c

function scanRoot(scan: Scan): void {
  const { text } = scan
  if (scan.at === text.length) throw new XmlFault(scan.at, 'there is no root element')
  if (text.charCodeAt(scan.at) !== LESS_THAN) throw new XmlFault(scan.at, 'text before the root element')
  scanStartTag(scan)
  while (scan.open.length > 0) {
    const tag = text.indexOf('<', scan.at)
    if (tag === -1) throw new XmlFault(text.length, `<${shortName(scan.open.at(-1) ?? '')}> is not closed`)
    if (tag > scan.at) scanText(scan, tag)
    scanMarkup(scan)
  }
}

function scanMarkup(scan: Scan): void {
  const { text, at } = scan
  if (text.startsWith('</', at)) scanEndTag(scan)
  else if (text.startsWith('<!--', at)) leaveOut(scan, skipComment)
  else if (text.startsWith('<?', at)) leaveOut(scan, skipInstruction)
  else if (text.startsWith('<![CDATA[', at)) {
    const end = text.indexOf(']]>', at + 9)
    if (end === -1) throw new XmlFault(at, 'a CDATA section is not closed')
    // Each becomes a node of the tree, so each counts.
    countKey(scan, at)
    scan.at = end + 3
  } else if (text.startsWith('<!DOCTYPE', at)) throw new XmlFault(at, 'a DOCTYPE inside the root element')
  else scanStartTag(scan)
}

function scanStartTag(scan: Scan): void {
  const start = scan.at
  scan.at++
  const name = takeName(scan, '< that begins no tag')
  countKey(scan, start)
  if (scan.open.length >= scan.depthMax)
    throw new XmlFault(start, `nested deeper than ${scan.depthMax} levels`, 'too_deep')
  scanAttributes(scan, name)
  if (scan.text.startsWith('/>', scan.at)) {
    scan.at += 2
  } else {
    scan.at++
    scan.open.push(name)
  }
}

/** Stops at the `>` or `/>` of the tag. */
function scanAttributes(scan: Scan, element: string): void {
  let seen: Set<string> | undefined
  for (;;) {
    const before = scan.at
    take(scan, BLANKS)
    if (scan.text.startsWith('>', scan.at) || scan.text.startsWith('/>', scan.at)) return
    if (scan.at === scan.text.length)
      throw new XmlFault(scan.at, `the tag <${shortName(element)} is not closed`)
    if (scan.at === before)
      throw new XmlFault(scan.at, `unexpected character in the tag <${shortName(element)}`)
    const start = scan.at
    const name = takeName(scan, `an attribute name was expected in <${shortName(element)}`)
    seen ??= new Set()
    if (seen.has(name)) throw new XmlFault(start, `the attribute ${shortName(name)} stands twice in one tag`)
    seen.add(name)
    countKey(scan, start)
    scanAttributeValue(scan, name)
  }
}

const EQUALS = /[ \t\r\n]*=[ \t\r\n]*/y

function scanAttributeValue(scan: Scan, name: string): void {
  if (!take(scan, EQUALS)) throw new XmlFault(scan.at, `the attribute ${shortName(name)} has no value`)
  const quote = scan.text.charAt(scan.at)
  if (quote !== '"' && quote !== "'")
    throw new XmlFault(scan.at, `the value of the attribute ${shortName(name)} is not quoted`)
  const start = scan.at + 1
  const end = scan.text.indexOf(quote, start)
  if (end === -1) throw new XmlFault(scan.at, `the value of the attribute ${shortName(name)} is not closed`)
  const lessThan = scan.text.slice(start, end).indexOf('<')
  if (lessThan !== -1)
    throw new XmlFault(start + lessThan, `< in the value of the attribute ${shortName(name)}`)
  checkReferences(scan, start, end)
  scan.at = end + 1
}

function scanEndTag(scan: Scan): void {
  const start = scan.at
  scan.at += 2
  const name = takeName(scan, 'an end tag has no name')
  const expected = scan.open.pop() ?? ''
  if (name !== expected)
    throw new XmlFault(start, `the end tag </${shortName(name)}> does not match <${shortName(expected)}>`)
  take(scan, BLANKS)
  if (!scan.text.startsWith('>', scan.at))
    throw new XmlFault(scan.at, `the end tag </${shortName(name)} is not closed`)
  scan.at++
}

/** Shorter text goes to the tree builder as it stands. */
const LONG_TEXT_CHARS = 256

function scanText(scan: Scan, end: number): void {
  const start = scan.at
  const run = scan.text.slice(start, end)
  const sectionEnd = run.indexOf(']]>')
  if (sectionEnd !== -1) throw new XmlFault(start + sectionEnd, ']]> outside of a CDATA section')
  checkReferences(scan, start, end)
  scan.at = end
  if (run.length < LONG_TEXT_CHARS) return
  keepUpTo(scan, start)
  scan.kept.push(`<![CDATA[${TEXT_MARK}`, run, ']]>')
  scan.keptTo = end
}

function leaveOut(scan: Scan, skip: (scan: Scan) => void): void {
  keepUpTo(scan, scan.at)
  skip(scan)
  scan.keptTo = scan.at
}

function keepUpTo(scan: Scan, position: number): void {
  if (position > scan.keptTo) scan.kept.push(scan.text.slice(scan.keptTo, position))
  scan.keptTo = position
}
