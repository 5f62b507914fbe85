import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stringifyExact } from '../../src/payload/exact-json.ts'
import { findJsonFault } from '../../src/payload/json-fault.ts'
import { readJson } from '../../src/payload/read-json.ts'
import { processorMs } from '../world/processor-ms.ts'

const LIMITS = { depthMax: 100, keysMax: 100_000 }

function messageOf(text: string, limits = LIMITS): string {
  const result = readJson(text, limits)
  return result.ok ? 'ok' : result.message
}

function problemOf(text: string, limits = LIMITS): string {
  const result = readJson(text, limits)
  return result.ok ? 'ok' : result.problem
}

describe('the fault is named with its place', () => {
  test.each([
    ['{"a":}', 'expected a value (line 1, column 6)'],
    ['[1,]', 'expected a value (line 1, column 4)'],
    ['{"a":1,}', 'expected a key in quotes (line 1, column 8)'],
    ['{a:1}', 'expected a key in quotes or } (line 1, column 2)'],
    ['{"a" 1}', 'expected : (line 1, column 6)'],
    ['{"a":1 "b":2}', 'expected , or } (line 1, column 8)'],
    ['[1\n  2]', 'expected , or ] (line 2, column 3)'],
    ['[1\r\n2]', 'expected , or ] (line 2, column 1)'],
    ['"abc', 'a string is not closed (line 1, column 5)'],
    ['["a\\x"]', 'unknown escape in a string (line 1, column 4)'],
    ['"a\tb"', 'control character in a string (line 1, column 3)'],
    ['"a\u0000b"', 'control character in a string (line 1, column 3)'],
    ['{"a":1}\u0000\u0000', 'text after the end (line 1, column 8)'],
    ['{} {}', 'text after the end (line 1, column 4)'],
    ['{"a":[1,2', 'ends too early (line 1, column 10)'],
    ["{'a':1}", 'expected a key in quotes or } (line 1, column 2)'],
    ['NaN', 'expected a value (line 1, column 1)'],
    ['[01]', 'expected , or ] (line 1, column 3)'],
    ['\ufeff{}', 'expected a value (line 1, column 1)'],
  ])('%j', (text, expected) => {
    expect(messageOf(text)).toBe(`not valid JSON: ${expected}`)
  })

  test('without repeating the body', () => {
    expect(messageOf('{"card":"4111111111111111" oops}')).not.toContain('4111')
  })

  test('for everything that the parser refuses, and only that', () => {
    const almostJson = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', ']', '}', '"', '\\', '0', ' ', '\u0000', 'x', '[', '{'),
      )
      .map(
        ([text, at, piece]) =>
          text.slice(0, at % (text.length + 1)) + piece + text.slice((at % (text.length + 1)) + 1),
      )
    fc.assert(
      fc.property(almostJson, (text) => {
        let parses = true
        try {
          JSON.parse(text)
        } catch {
          parses = false
        }
        expect(readJson(text, LIMITS).ok).toBe(parses)
        // The fallback reason stands for "the fault finder saw none", which must not happen.
        if (!parses) expect(findJsonFault(text).reason).not.toBe('cannot be read')
      }),
      { numRuns: 3_000 },
    )
  })

  test('also behind a million lines', () => {
    expect(messageOf(`[${'\n\r\n\r'.repeat(300_000)} 1 2]`)).toContain('(line 600002, column 4)')
  })

  test('also in a string of megabytes', () => {
    expect(messageOf(`"${'\\n'.repeat(2_000_000)}`)).toBe(
      'not valid JSON: a string is not closed (line 1, column 4000002)',
    )
  })
})

describe('depth', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

  test('is allowed up to the limit and refused beyond, with the place', () => {
    expect(problemOf(nested(100))).toBe('ok')
    expect(messageOf(nested(101))).toBe('nested deeper than 100 levels (line 1, column 101)')
    expect(problemOf(`${'{"a":'.repeat(101)}1${'}'.repeat(101)}`)).toBe('too_deep')
  })

  test('is counted exactly, objects and arrays alike', () => {
    const depthIn = (value: unknown): number =>
      typeof value === 'object' && value !== null
        ? 1 + Math.max(0, ...Object.values(value).map((item) => depthIn(item)))
        : 0
    fc.assert(
      fc.property(fc.json(), (text) => {
        const depth = depthIn(JSON.parse(text))
        expect(problemOf(text, { ...LIMITS, depthMax: depth })).toBe('ok')
        if (depth > 1) expect(problemOf(text, { ...LIMITS, depthMax: depth - 1 })).toBe('too_deep')
      }),
    )
  })

  test('has a ceiling that no setting lifts', () => {
    expect(problemOf(nested(500), { ...LIMITS, depthMax: 1e9 })).toBe('ok')
    expect(problemOf(nested(501), { ...LIMITS, depthMax: 1e9 })).toBe('too_deep')
  })

  test('of a million levels is refused and not tried', () => {
    expect(problemOf('['.repeat(1_000_000))).toBe('too_deep')
  })

  test('does not count brackets in strings', () => {
    expect(problemOf(JSON.stringify({ '[[[{{{"\\': `${'['.repeat(500)}\\"{` }))).toBe('ok')
  })
})

describe('keys and elements', () => {
  test('are counted exactly', () => {
    const countIn = (value: unknown): number =>
      typeof value === 'object' && value !== null
        ? Object.values(value).reduce<number>((sum, item) => sum + 1 + countIn(item), 0)
        : 0
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 2), (text, indent) => {
        const value: unknown = JSON.parse(text)
        const written = JSON.stringify(value, undefined, indent)
        const keys = countIn(value)
        expect(problemOf(written, { ...LIMITS, keysMax: keys })).toBe('ok')
        if (keys > 0) expect(problemOf(written, { ...LIMITS, keysMax: keys - 1 })).toBe('too_many_keys')
      }),
    )
  })

  test('are refused beyond the limit', () => {
    expect(problemOf(`[${'0,'.repeat(100_000)}0]`)).toBe('too_many_keys')
  })

  test('blanks in brackets do not slow the count down', () => {
    const long = `[${' '.repeat(5_000_000)}1]`
    expect(processorMs(() => expect(problemOf(long)).toBe('ok'))).toBeLessThan(2_000)
  })
})

test('integers of any size and decimals of any length come out digit for digit', () => {
  const integer = fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n }).map(String)
  const decimal = fc.tuple(fc.bigInt({ min: 1n, max: 10n ** 40n }), fc.bigInt({ min: 1n, max: 10n ** 40n }))
  fc.assert(
    fc.property(integer, decimal, fc.string(), (id, [whole, fraction], name) => {
      const text = `{"id":${id},"list":[${id},{"deep":${id}}],"long":1${whole}.${fraction}1,"name":${JSON.stringify(name)}}`
      const result = readJson(text, LIMITS)
      if (!result.ok) throw new Error(result.message)
      expect(numbersOf(stringifyExact(result.read()))).toEqual(numbersOf(text))
    }),
  )
})

/** Numbers outside of strings, a decimal without the zeros that end it. */
function numbersOf(text: string): string[] {
  const bare = text.replace(/"(?:[^"\\]|\\.)*"/g, '')
  return bare.match(/-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?/g) ?? []
}

test('every read gives data of its own', () => {
  const result = readJson('{"a":{"b":1}}', LIMITS)
  if (!result.ok) throw new Error(result.message)
  expect(result.read()).toEqual(result.read())
  expect(result.read()).not.toBe(result.read())
})

test('a number of many zeros costs no more than one of other digits', () => {
  const cpuOf = (digits: string) => {
    const text = `[${`${digits}.5,`.repeat(2_000)}1]`
    const before = process.threadCpuUsage()
    for (let times = 0; times < 5; times++) {
      const result = readJson(text, LIMITS)
      if (result.ok) result.read()
    }
    const { user, system } = process.threadCpuUsage(before)
    return user + system
  }
  const [sevens, zeros] = [`1${'7'.repeat(380)}1`, `1${'0'.repeat(380)}1`]
  cpuOf(sevens)
  const ratios = Array.from({ length: 3 }, () => cpuOf(zeros) / cpuOf(sevens))
  expect(Math.min(...ratios)).toBeLessThan(6)
})
