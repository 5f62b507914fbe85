/**
 * The entries of the headers in which proxies name the address they were called from. Everything is read from the
 * right, because each proxy appends: what stands on the left was typed by the caller and may be anything, an
 * unclosed quote included, and must not change how the entries of our own proxies are read.
 */
import { type Address, readAddress } from '../integrations/integrations.ts'

export type ForwardedHeader = 'x-forwarded-for' | 'forwarded' | 'x-real-ip'

/** One entry: the address it names, or what is wrong with it. */
export type ForwardedEntry = Address | { problem: string }

/** The entries of one header, the rightmost first; read lazily, so that what nobody asks for is not judged. */
export function* entriesFromRight(header: ForwardedHeader, value: string): Generator<ForwardedEntry> {
  if (header === 'forwarded') {
    for (const element of splitFromRight(value, ',')) yield readElement(element)
    return
  }
  const entries = value.split(',')
  // X-Real-IP is set, never appended to: with two values nobody can say which one the proxy wrote.
  if (header === 'x-real-ip' && entries.length > 1) {
    yield { problem: 'X-Real-IP holds more than one value' }
    return
  }
  for (let at = entries.length - 1; at >= 0; at--) yield readNode(trimBlanks(entries[at] ?? ''))
}

/**
 * Splits at a separator outside quoted strings (RFC 7230 section 3.2.6), the last part first. Read from the right, a
 * quote opens the string when an even number of backslashes stands before it.
 */
export function* splitFromRight(text: string, separator: string): Generator<string> {
  let end = text.length
  let quoted = false
  for (let at = text.length - 1; at >= 0; at--) {
    const char = text[at]
    if (char === '"') {
      if (!quoted) quoted = true
      else if (backslashesBefore(text, at) % 2 === 0) quoted = false
    } else if (char === separator && !quoted) {
      yield trimBlanks(text.slice(at + 1, end))
      end = at
    }
  }
  yield trimBlanks(text.slice(0, end))
}

function backslashesBefore(text: string, position: number): number {
  let at = position
  while (at > 0 && text[at - 1] === '\\') at--
  return position - at
}

/** One forwarded-element of RFC 7239 section 4; only its `for` parameter matters, but all of it must be readable. */
function readElement(element: string): ForwardedEntry {
  let node: string | undefined
  for (const pair of splitFromRight(element, ';')) {
    if (pair === '') continue
    const parameter = readPair(pair)
    if (!parameter) return unreadable(element)
    if (parameter.name !== 'for') continue
    if (node !== undefined) return { problem: `two "for" in one element of Forwarded: ${shown(element)}` }
    node = parameter.value
  }
  return node === undefined
    ? { problem: `no "for" in an element of Forwarded: ${shown(element)}` }
    : readNode(node)
}

/** Besides a token, an unquoted value may hold the colons and brackets that RFC 7239 wants quoted: proxies differ. */
function readPair(pair: string): { name: string; value: string } | undefined {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;=]*))$/.exec(pair)
  if (!match) return undefined
  const [, name = '', quoted, plain = ''] = match
  return { name: name.toLowerCase(), value: quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1') }
}

/** `ip`, `ip:port`, `[v6]` or `[v6]:port`; a port may be an obfuscated one (RFC 7239 section 6.2). */
function readNode(node: string): ForwardedEntry {
  const bare = readAddress(node)
  if (bare) return bare
  const match = /^(?:\[([^\]]+)\]|([0-9.]+))(?::(\d{1,5}|_[0-9A-Za-z._-]+))?$/.exec(node)
  if (!match) return unreadable(node)
  const [, inBrackets, dotted = '', port = '0'] = match
  const address = readAddress(inBrackets ?? dotted)
  const isRightKind = inBrackets === undefined || inBrackets.includes(':')
  return address && isRightKind && !(Number(port) > 65_535) ? address : unreadable(node)
}

function unreadable(entry: string): { problem: string } {
  return { problem: `${shown(entry)} is not an address` }
}

/** Short and escaped, because the text comes from outside and ends up in logs. */
function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

/** Spaces and tabs only: what else String.trim removes is no blank in a header. */
function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t'
}
