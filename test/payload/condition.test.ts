import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Condition, conditionSchema, holds, parseCondition } from '../../src/payload/condition.ts'
import { compareDecimals, toDecimal } from '../../src/payload/decimal.ts'
import { type Json, parseExact } from '../../src/payload/exact-json.ts'
import { processorMs } from '../world/processor-ms.ts'

const SCOPE = parseExact(`{
  "id": 820982911946154508, "huge": 1e400, "tiny": 1e-400, "total": "99.90", "count": 3, "zip": "04107",
  "status": "paid", "cancelled_at": null, "empty": "", "tags": ["b2b", "vip", 7],
  "items": [{ "sku": "A-1", "qty": 1 }, { "sku": "B-2", "qty": 20 }],
  "address": { "city": "Köln", "zip": "50674" }, "__proto__": { "isAdmin": true }, "flag": false }`)

function ask(written: unknown, scope: Json = SCOPE): boolean {
  const parsed = parseCondition(written)
  if (!parsed.ok) throw new Error(parsed.problem)
  return holds(parsed.condition, scope)
}

describe('operations', () => {
  test.each<[string, string, unknown, boolean]>([
    ['status', 'equals', 'paid', true],
    ['status', 'equals', 'Paid', false],
    ['status', 'notEquals', 'open', true],
    ['nope', 'equals', null, false],
    ['nope', 'notEquals', 'x', true],
    ['cancelled_at', 'equals', null, true],
    ['flag', 'equals', false, true],
    ['flag', 'equals', 'false', false],
    ['flag', 'equals', 0, false],
    ['count', 'equals', 3, true],
    ['count', 'equals', '3', true],
    ['count', 'equals', '3.0', true],
    ['count', 'equals', ' 3', false],
    ['zip', 'equals', 4107, false],
    ['total', 'equals', 99.9, true],
    ['total', 'equals', '99.9', false],
    ['empty', 'equals', 0, false],
    ['id', 'equals', 820982911946154508n, true],
    ['id', 'equals', '820982911946154508', true],
    ['id', 'equals', '820982911946154509', false],
    ['address', 'equals', { zip: '50674', city: 'Köln' }, true],
    ['address', 'equals', { city: 'Köln' }, false],
    ['tags', 'equals', ['b2b', 'vip', 7], true],
    ['tags', 'equals', ['vip', 'b2b', 7], false],
    ['status', 'in', ['open', 'paid'], true],
    ['status', 'in', [], false],
    ['status', 'contains', 'ai', true],
    ['tags', 'contains', 'vip', true],
    ['tags', 'contains', '7', true],
    ['tags', 'contains', 'vi', false],
    ['address', 'contains', 'city', false],
    ['address.city', 'startsWith', 'Kö', true],
    ['address.city', 'endsWith', 'ln', true],
    ['count', 'startsWith', '3', false],
    ['items[].sku', 'matches', '^B-[0-9]+$', true],
    ['items[].sku', 'matches', '^b', false],
    ['items[].sku', 'matches', '(?i)^b', true],
    ['address.city', 'matches', '^K\\pLln$', true],
    ['count', 'matches', '3', false],
    ['tags', 'matches', 'vip', false],
    ['count', 'greater', 2, true],
    ['count', 'greater', 3, false],
    ['count', 'less', '3.5', true],
    ['total', 'greater', 99.89, true],
    ['id', 'greater', 820982911946154507n, true],
    ['id', 'less', 820982911946154509n, true],
    ['id', 'less', 820982911946154508n, false],
    ['huge', 'greater', '9e399', true],
    ['huge', 'less', '1.1e400', true],
    ['tiny', 'greater', 0, true],
    ['status', 'greater', 0, false],
    ['status', 'less', 0, false],
    ['cancelled_at', 'less', 1, false],
    ['items[].qty', 'greater', 10, true],
    ['items[].qty', 'greater', 20, false],
    ['items[].sku', 'equals', 'B-2', true],
    ['items[].sku', 'notEquals', 'B-2', false],
    ['items[1].sku', 'startsWith', 'B', true],
  ])('%s %s %s is %s', (path, op, value, expected) => {
    expect(ask({ path, op, value })).toBe(expected)
  })

  test.each([
    ['status', true],
    ['cancelled_at', true],
    ['empty', true],
    ['nope', false],
    ['items[].nope', false],
    ['items[2]', false],
    ['toString', false],
    ['address.constructor', false],
    ['isAdmin', false],
    ['__proto__.isAdmin', true],
  ])('%s exists: %s', (path, expected) => {
    expect(ask({ path, op: 'exists' })).toBe(expected)
    expect(ask({ path, op: 'absent' })).toBe(!expected)
  })

  test('all, any and not', () => {
    const yes = { path: 'status', op: 'exists' }
    const no = { path: 'status', op: 'absent' }
    expect(ask({ all: [yes, yes] })).toBe(true)
    expect(ask({ all: [yes, no] })).toBe(false)
    expect(ask({ any: [no, yes] })).toBe(true)
    expect(ask({ any: [no, no] })).toBe(false)
    expect(ask({ not: no })).toBe(true)
    expect(ask({ all: [] })).toBe(true)
    expect(ask({ any: [] })).toBe(false)
    expect(ask({ not: { any: [no, { all: [yes, { not: yes }] }] } })).toBe(true)
  })
})

describe('what is no condition is named with its place', () => {
  test.each<[unknown, string]>([
    [{}, 'condition: is one of'],
    [5, 'condition: '],
    [null, 'condition: '],
    [{ foo: 1 }, 'condition: Unrecognized key: "foo"'],
    [{ path: 'a', op: 'exists', extra: 1 }, 'condition: Unrecognized key: "extra"'],
    [{ path: 'a' }, 'op: is missing'],
    [{ op: 'exists' }, 'path: is missing'],
    [{ path: 'a', op: 'equals' }, 'value: is missing'],
    [{ path: 'a', op: 'exists', value: 1 }, 'value: is not used by exists'],
    [{ path: 'a', op: 'in', value: 'x' }, 'value: has to be a list'],
    [{ path: 'a', op: 'startsWith', value: 5 }, 'value: has to be a string'],
    [{ path: 'a', op: 'like', value: '.*' }, 'op: '],
    [{ path: 'a..b', op: 'exists' }, 'path: expected a key at position 2'],
    [{ all: [{ path: 'a', op: 'exists' }], any: [] }, 'condition: is one of'],
    [{ all: [], value: 1 }, 'value: goes with path and op only'],
    [{ all: {} }, 'all: '],
    [{ all: [{ any: [{ path: 'a', op: 'nope' }] }] }, 'all[0].any[0].op: '],
    [{ not: { path: 'a', op: 'equals' } }, 'not.value: is missing'],
    [{ any: Array(101).fill({ path: 'a', op: 'exists' }) }, 'any: '],
  ])('%j', (written, problem) => {
    const parsed = parseCondition(written)
    expect(parsed.ok ? 'a condition' : parsed.problem).toContain(problem)
  })

  test('depth has a limit, also where it would overflow', () => {
    let deep: unknown = { path: 'a', op: 'exists' }
    for (let level = 1; level < 20; level++) deep = { not: deep }
    expect(parseCondition(deep).ok).toBe(true)
    expect(conditionSchema.safeParse({ not: deep }).success).toBe(false)
    for (let level = 0; level < 50_000; level++) deep = { not: deep }
    expect(parseCondition(deep)).toEqual({ ok: false, problem: 'nested deeper than 20 levels' })
  })
})

test('the schema gives the condition as it was written', () => {
  const written: Condition = {
    any: [{ path: 'a', op: 'exists' }, { not: { path: 'b', op: 'in', value: [1n] } }],
  }
  expect(conditionSchema.parse(written)).toEqual(written)
})

test('the schema can be described, although it contains itself', () => {
  // Without a name for it, writers of API documents would follow the circle for ever.
  expect(z.globalRegistry.get(conditionSchema)?.id).toBe('Condition')
  expect(JSON.stringify(z.toJSONSchema(conditionSchema))).toContain('"not":{"$ref":"#/$defs/Condition"}')
})

test('integers compare exactly in whatever form they come', () => {
  const integer = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n })
  const near = fc
    .tuple(integer, fc.bigInt({ min: -2n, max: 2n }))
    .map(([one, step]) => [one, one + step] as const)
  fc.assert(
    fc.property(fc.oneof(near, fc.tuple(integer, integer)), fc.boolean(), ([left, right], asText) => {
      const scope = { n: asText ? String(left) : parseExact(String(left)) }
      const value = parseExact(String(right))
      expect(ask({ path: 'n', op: 'less', value }, scope)).toBe(left < right)
      expect(ask({ path: 'n', op: 'greater', value }, scope)).toBe(left > right)
      expect(ask({ path: 'n', op: 'equals', value }, scope)).toBe(left === right)
    }),
  )
})

test('doubles compare as doubles do', () => {
  const double = fc.double({ noNaN: true, noDefaultInfinity: true })
  fc.assert(
    fc.property(
      fc.oneof(
        fc.tuple(double, double),
        double.map((one) => [one, one] as [number, number]),
      ),
      ([left, right]) => {
        const a = toDecimal(left)
        const b = toDecimal(String(right))
        if (!a || !b) throw new Error('a double is a number')
        expect(Math.sign(compareDecimals(a, b))).toBe(left < right ? -1 : left > right ? 1 : 0)
      },
    ),
  )
})

describe('a pattern', () => {
  const matching = (value: unknown) => parseCondition({ path: 's', op: 'matches', value })

  test.each([
    ['(a+)+$', 'a', '!'],
    ['^(a|aa)+$', 'a', '!'],
    ['(.*a){12}$', 'a', '!'],
    ['(x+x+)+y', 'x', ''],
    ['(\\w+\\s?)*$', 'ab ', '!'],
    [
      '([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$',
      'a',
      '!',
    ],
  ])('%s, which takes others years, is matched in time linear in the text', (value, piece, end) => {
    const steps = (length: number) =>
      processorMs(() => {
        for (let times = 0; times < 20; times++)
          ask({ path: 's', op: 'matches', value }, { s: piece.repeat(length / piece.length) + end })
      })
    steps(1_000)
    // Twice as many steps for each character of two thousand would be more than all the time there is.
    expect(Math.min(steps(9_000), steps(9_000)) / Math.max(steps(1_500), 2)).toBeLessThan(30)
  })

  test.each([
    ['a'.repeat(201), /longer than 200 characters/],
    ['[ab]{0,300}[bc]{0,300}', /too much work/],
    ['(?:[a-z]{1,30}){1,30}', /too much work/],
    ['(a)\\1', /is not a pattern: invalid escape sequence/],
    ['(?=a)', /is not a pattern/],
    ['(', /is not a pattern: missing closing/],
    [7, /has to be a string/],
  ])('%j is refused with the reason', (value, reason) => {
    const parsed = matching(value)
    expect(parsed.ok ? '' : parsed.problem).toMatch(/^value: /)
    expect(parsed.ok ? '' : parsed.problem).toMatch(reason)
  })

  test('fits no text that is longer than the limit, so that a sender cannot make it cost more', () => {
    const condition = { path: 's', op: 'matches', value: 'a' }
    expect(ask(condition, { s: 'a'.repeat(10_000) })).toBe(true)
    expect(ask(condition, { s: 'a'.repeat(10_001) })).toBe(false)
  })
})
