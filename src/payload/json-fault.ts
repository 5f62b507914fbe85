export interface JsonFault {
  /** In UTF-16 units from 0. */
  readonly position: number
  readonly reason: string
}

/**
 * Finds where text stops being JSON. Only asked after a parser refused it: V8's own message often lacks the place
 * and repeats part of the body, which does not belong in an answer.
 */
export function findJsonFault(text: string): JsonFault {
  const open: ('{' | '[')[] = []
  let expected: Expected = 'value'
  let at = skipBlanks(text, 0)
  while (at < text.length) {
    const step = takeToken(text, at, expected, open)
    if ('reason' in step) return step
    expected = step.next
    at = skipBlanks(text, step.end)
  }
  if (expected === 'end') return { position: 0, reason: 'cannot be read' }
  return { position: text.length, reason: 'ends too early' }
}

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or ]' | ', or }' | 'end'
type Step = { end: number; next: Expected }

const BLANKS = /[ \t\r\n]*/y
const STRING_RUN = /[^"\\\u0000-\u001f]*/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORD = /true|false|null/y

function skipBlanks(text: string, at: number): number {
  return matchEnd(BLANKS, text, at) ?? at
}

function takeToken(text: string, at: number, expected: Expected, open: ('{' | '[')[]): Step | JsonFault {
  const char = text.charAt(at)
  if (expected === 'end') return { position: at, reason: 'text after the end' }
  if (expected === 'key' || expected === 'key or }') {
    if (char === '"') return takeString(text, at, ':')
    if (char === '}' && expected === 'key or }') return close(at, open)
    return {
      position: at,
      reason: `expected ${expected === 'key' ? 'a key in quotes' : 'a key in quotes or }'}`,
    }
  }
  if (expected === ':')
    return char === ':' ? { end: at + 1, next: 'value' } : { position: at, reason: 'expected :' }
  if (expected === ', or ]' || expected === ', or }') return takeSeparator(char, at, expected, open)
  return takeValue(text, at, expected, open)
}

function takeSeparator(
  char: string,
  at: number,
  expected: ', or ]' | ', or }',
  open: ('{' | '[')[],
): Step | JsonFault {
  if (char === expected.at(-1)) return close(at, open)
  if (char === ',') return { end: at + 1, next: expected === ', or ]' ? 'value' : 'key' }
  return { position: at, reason: `expected ${expected}` }
}

function takeValue(text: string, at: number, expected: Expected, open: ('{' | '[')[]): Step | JsonFault {
  const char = text.charAt(at)
  if (char === '{' || char === '[') {
    open.push(char)
    return { end: at + 1, next: char === '{' ? 'key or }' : 'value or ]' }
  }
  if (char === ']' && expected === 'value or ]') return close(at, open)
  if (char === '"') return takeString(text, at, after(open))
  const end = matchEnd(NUMBER, text, at) ?? matchEnd(WORD, text, at)
  return end === undefined ? { position: at, reason: 'expected a value' } : { end, next: after(open) }
}

function takeString(text: string, at: number, next: Expected): Step | JsonFault {
  // One expression with both parts in a loop would fill the backtracking stack on a long string.
  let end = matchEnd(STRING_RUN, text, at + 1) ?? at + 1
  for (let next = matchEnd(ESCAPE, text, end); next !== undefined; next = matchEnd(ESCAPE, text, end))
    end = matchEnd(STRING_RUN, text, next) ?? next
  const char = text.charAt(end)
  if (char === '"') return { end: end + 1, next }
  if (char === '') return { position: end, reason: 'a string is not closed' }
  if (char === '\\') return { position: end, reason: 'unknown escape in a string' }
  return { position: end, reason: 'control character in a string' }
}

function close(at: number, open: ('{' | '[')[]): Step {
  open.pop()
  return { end: at + 1, next: after(open) }
}

function after(open: ('{' | '[')[]): Expected {
  const around = open.at(-1)
  return around === undefined ? 'end' : around === '{' ? ', or }' : ', or ]'
}

function matchEnd(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : undefined
}
