/**
 * The subject of a certificate as text: attributes the most specific first, `CN=shop.example,O=Shop\, Inc.,C=NL`, as
 * `openssl x509 -noout -subject -nameopt RFC2253` prints it. Attributes are told apart before anything is unescaped,
 * so that a common name that reads `good,O=Shop` never becomes two attributes.
 * Source: RFC 4514, Lightweight Directory Access Protocol: String Representation of Distinguished Names.
 */

interface Attribute {
  type: string
  value: string
}

/** Relative names, the most specific first; one may hold several attributes, whose order means nothing. */
export type CertificateSubject = readonly (readonly Attribute[])[]

/** Reads a whole subject; undefined when it is not well-formed. `CN = a, O = b` is read as `CN=a,O=b`. */
export function readSubject(text: string): CertificateSubject | undefined {
  return readRelativeNames(splitUnescaped(text, ','))
}

/**
 * Reads `X509Certificate.subject` of Node: one relative name a line, the least specific first. It is undefined when
 * there is none, whatever the types of Node say.
 */
export function readSubjectLines(lines: string | undefined): CertificateSubject | undefined {
  return lines === undefined ? undefined : readRelativeNames(lines.split('\n').reverse())
}

export function subjectText(subject: CertificateSubject): string {
  const names = subject.map((name) =>
    name.map(({ type, value }) => `${type}=${escapeValue(value)}`).join('+'),
  )
  return names.join(',')
}

/** Values are the same when every character is; the names of attributes may differ in case. */
export function isSameSubject(one: CertificateSubject, other: CertificateSubject): boolean {
  return keyOf(one) === keyOf(other)
}

/** Undefined when there is none, or more than one: which of them counts would be anyone's guess. */
export function commonNameOf(subject: CertificateSubject): string | undefined {
  const [only, ...more] = subject.flat().filter(({ type }) => type.toUpperCase() === 'CN')
  return more.length === 0 ? only?.value : undefined
}

/** Whether an operator who writes this means a whole subject, and not a common name. */
export function looksLikeSubject(text: string): boolean {
  return /^ *(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+) *=/.test(text)
}

function readRelativeNames(names: string[]): CertificateSubject | undefined {
  const read = names.map((name) => splitUnescaped(name, '+').map(readAttribute))
  return read.every((name) => name.every((attribute) => attribute !== undefined)) ? read : undefined
}

function readAttribute(text: string): Attribute | undefined {
  const at = text.indexOf('=')
  const type = text.slice(0, Math.max(at, 0)).trim()
  const value = readValue(text.slice(at + 1))
  return /^[A-Za-z0-9.-]+$/.test(type) && value !== undefined ? { type, value } : undefined
}

/** Undefined for what must be escaped and is not, for the `#hex` form, and for bytes that are no UTF-8. */
function readValue(text: string): string | undefined {
  const pieces: Buffer[] = []
  const token = /\\([0-9a-fA-F]{2})|\\([ "#+,;<=>\\])|([^\\"+,;<>]+)/y
  let blanksBefore = true
  for (let at = 0; at < text.length; at = token.lastIndex) {
    token.lastIndex = at
    const found = token.exec(text)
    if (!found) return undefined
    const [, hex, special, plain] = found
    if (hex !== undefined) pieces.push(Buffer.from(hex, 'hex'))
    else if (special !== undefined) pieces.push(Buffer.from(special))
    else {
      const isLast = token.lastIndex === text.length
      const kept = trimBlanks(plain ?? '', blanksBefore, isLast)
      if (blanksBefore && kept.startsWith('#')) return undefined
      pieces.push(Buffer.from(kept))
    }
    blanksBefore = false
  }
  return decodeUtf8(Buffer.concat(pieces))
}

function trimBlanks(text: string, before: boolean, after: boolean): string {
  let start = 0
  let end = text.length
  while (before && start < end && text[start] === ' ') start++
  while (after && end > start && text[end - 1] === ' ') end--
  return text.slice(start, end)
}

function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === separator) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  return [...parts, text.slice(start)]
}

function escapeValue(value: string): string {
  return value
    .replace(/^[ #]| $|[,+"\\<>;]/g, '\\$&')
    .replace(/[\x00-\x1f\x7f]/g, (char) => `\\${Buffer.from(char).toString('hex').toUpperCase()}`)
}

function keyOf(subject: CertificateSubject): string {
  const names = subject.map((name) =>
    name.map(({ type, value }) => JSON.stringify([type.toUpperCase(), value])).toSorted(),
  )
  return JSON.stringify(names)
}
