import { isDeepStrictEqual } from 'node:util'
import { isObject, type Json, NumberText, parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import { readJson } from '../../src/payload/read-json.ts'
import { filled, promised, target } from '../target.ts'
import { sampleBodies } from './sample-bodies.ts'

const LIMITS = { depthMax: 20, keysMax: 300 }

export const json = target({
  name: 'json',
  reads: 'JSON text',
  promise:
    'taken and refused as JSON.parse does, within depth and count; the same data; written and read again the same; ' +
    'a refusal is short and names its place',
  seeds: [
    ...sampleBodies('json'),
    '{"a":[1,2.50,-0,1e400,12345678901234567890,true,null,"\\ud83d\\ude00\\u0000"]}',
    '{"__proto__":{"x":1},"constructor":{"prototype":1},"a":1,"a":2}',
    '[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]',
    ' [ ] ',
    '"a\\\\\\"',
  ],
  words: [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '\\u0000',
    '\\ud800',
    'true',
    'null',
    '1e5',
    '-',
    '.',
    '{"a":',
    '[]',
  ],
  long: {
    'opening brackets': (bytes) => filled(bytes, '['),
    'closed brackets': (bytes) => filled(bytes, '[],', '[', '1]'),
    'one string': (bytes) => filled(bytes, 'a', '"', '"'),
    'backslashes in a string': (bytes) => filled(bytes, '\\\\', '"', '"'),
    'escaped quotes': (bytes) => filled(bytes, '\\"', '"', '"'),
    'short strings': (bytes) => filled(bytes, '"",', '[', '1]'),
    'blanks in brackets': (bytes) => filled(bytes, ' ', '[', ']'),
    'line ends before a fault': (bytes) => filled(bytes, '\r\n', '[', '}'),
    'one long number': (bytes) => filled(bytes, '7', '[', ']'),
    'long numbers': (bytes) => filled(bytes, `1${'0'.repeat(380)}1.5,`, '[', '1]'),
    exponents: (bytes) => filled(bytes, '1e999,', '[', '1]'),
    'repeated keys': (bytes) => filled(bytes, '"a":1,', '{', '"a":2}'),
    'keys that are numbers': (bytes) => numberKeys(bytes, (at) => at),
    'keys whose hashes would meet': (bytes) =>
      numberKeys(bytes, (at) => (at % 256) * 65_536 + Math.floor(at / 256)),
    commas: (bytes) => filled(bytes, ','),
    'a string that does not end': (bytes) => filled(bytes, '\\n', '"'),
  },
  read(input) {
    const text = input.toString('utf8')
    // The larger limits that hold in the gateway matter for time only.
    const limits = input.length > 9_000 ? { depthMax: 100, keysMax: 100_000 } : LIMITS
    const checked = readJson(text, limits)
    if (!checked.ok) return { ok: false as const, problem: checked }
    const value = checked.read()
    return { ok: true as const, value, written: stringifyExact(value) }
  },
  judge(input, result) {
    const text = input.toString('utf8')
    const known = plainly(text)
    if (!result.ok) {
      const { problem, message } = result.problem
      promised(message.length < 200, 'a refusal is short')
      promised(problem !== 'unreadable' || known === undefined, 'what JSON.parse takes is read')
      promised(
        problem === 'too_many_keys' || /\(line \d+, column \d+\)$/.test(message),
        'a refusal names its place',
      )
      return
    }
    promised(known !== undefined, 'what JSON.parse refuses is refused')
    promised(
      isDeepStrictEqual(rounded(result.value), rounded(known.value as Json)),
      'the data is that of JSON.parse',
    )
    promised(
      isDeepStrictEqual(rounded(parseExact(result.written)), rounded(result.value)) &&
        stringifyExact(parseExact(result.written)) === result.written,
      'written and read again it is the same',
    )
    promised(
      depthOf(result.value) <= LIMITS.depthMax && countOf(result.value) <= LIMITS.keysMax,
      'limits hold',
    )
  },
})

function plainly(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** With numbers as the doubles that they are near to; JSON.stringify writes -0 as 0. */
function rounded(value: Json): unknown {
  if (value === 0) return 0
  if (typeof value === 'bigint' || value instanceof NumberText) return Number(value)
  if (Array.isArray(value)) return value.map(rounded)
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rounded(one)]))
    : value
}

function depthOf(value: Json): number {
  if (!Array.isArray(value) && !isObject(value)) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

function countOf(value: Json): number {
  if (!Array.isArray(value) && !isObject(value)) return 0
  return Object.values(value).reduce<number>((sum, one) => sum + 1 + countOf(one), 0)
}

function numberKeys(bytes: number, keyAt: (at: number) => number): Buffer {
  const keys = Array.from({ length: Math.floor(bytes / 14) }, (_, at) => `"${keyAt(at)}":1`)
  return Buffer.from(`{${keys.join()}}`)
}
