import { XML_NAME } from './xml-names.ts'
import { BLANKS, type Scan, take, takeName, XmlFault } from './xml-scan.ts'

const DECLARATION =
  /<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.[0-9]+"|'1\.[0-9]+')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"[A-Za-z][A-Za-z0-9._-]*"|'[A-Za-z][A-Za-z0-9._-]*'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>/y

export function skipDeclaration(scan: Scan): void {
  if (!/^<\?xml[ \t\r\n?]/.test(scan.text)) return
  if (!take(scan, DECLARATION)) throw new XmlFault(0, 'the XML declaration is malformed')
}

/** Blanks, comments, processing instructions and, before the root, one DOCTYPE. */
export function skipMisc(scan: Scan, doctypeAllowed: boolean): void {
  let doctype = doctypeAllowed
  for (;;) {
    take(scan, BLANKS)
    if (scan.text.startsWith('<!--', scan.at)) skipComment(scan)
    else if (scan.text.startsWith('<?', scan.at)) skipInstruction(scan)
    else if (doctype && scan.text.startsWith('<!DOCTYPE', scan.at)) {
      skipDoctype(scan)
      doctype = false
    } else return
  }
}

const DOCTYPE = new RegExp(
  `<!DOCTYPE[ \\t\\r\\n]+${XML_NAME}(?:[ \\t\\r\\n]+(?:SYSTEM|PUBLIC[ \\t\\r\\n]+` +
    `(?:"[\\-a-zA-Z0-9 \\r\\n'()+,./:=?;!*#@$_%]*"|'[\\-a-zA-Z0-9 \\r\\n()+,./:=?;!*#@$_%]*'))` +
    `[ \\t\\r\\n]+(?:"[^"]*"|'[^']*'))?[ \\t\\r\\n]*`,
  'y',
)

function skipDoctype(scan: Scan): void {
  const start = scan.at
  if (!take(scan, DOCTYPE)) throw new XmlFault(start, 'the DOCTYPE is malformed')
  const next = scan.text.charAt(scan.at)
  if (next === '[')
    throw new XmlFault(start, 'a DOCTYPE with an internal subset is not accepted: it could define entities')
  if (next !== '>') throw new XmlFault(start, 'the DOCTYPE is malformed')
  scan.at++
}

export function skipComment(scan: Scan): void {
  const start = scan.at
  const dashes = scan.text.indexOf('--', start + 4)
  if (dashes === -1) throw new XmlFault(start, 'a comment is not closed')
  if (scan.text.charAt(dashes + 2) !== '>') throw new XmlFault(dashes, '-- inside a comment')
  scan.at = dashes + 3
}

export function skipInstruction(scan: Scan): void {
  const start = scan.at
  scan.at += 2
  const target = takeName(scan, 'a processing instruction has no name')
  if (target.toLowerCase() === 'xml')
    throw new XmlFault(start, 'an XML declaration may only stand at the very beginning')
  const end = scan.text.indexOf('?>', scan.at)
  if (end === -1) throw new XmlFault(start, 'a processing instruction is not closed')
  if (end > scan.at && !/[ \t\r\n]/.test(scan.text.charAt(scan.at)))
    throw new XmlFault(scan.at, 'a processing instruction is malformed')
  scan.at = end + 2
}
