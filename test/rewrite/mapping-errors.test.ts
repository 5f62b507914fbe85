import { describe, expect, test } from 'vitest'
import { compileMapping } from '../../src/rewrite/mapping/compile.ts'
import { MappingError } from '../../src/rewrite/mapping/failure.ts'
import type { Mapping } from '../../src/rewrite/mapping/rule.ts'
import { mappingSchema } from '../../src/rewrite/mapping/schema.ts'

const wrong: [string, unknown, string, RegExp][] = [
  ['a path with a fault', { out: 'a..b' }, 'out', /expected a key at position 2/],
  ['a destination with a fault', { 'a[x]': 'b' }, 'a[x]', /expected \[\], \[number\]/],
  ['an unknown $ name', { out: '$headers.x' }, 'out', /unknown name \$headers.*\["\$headers"\]/],
  ['an unknown transform', { out: { from: 'a', transforms: ['shout'] } }, 'out', /unknown transform "shout"/],
  [
    'arguments that do not fit',
    { out: { from: 'a', transforms: [{ round: 'x' }] } },
    'out',
    /transform round: arguments/,
  ],
  [
    'arguments where none belong',
    { out: { from: 'a', transforms: [{ trim: {} }] } },
    'out',
    /trim: .*expected none/,
  ],
  [
    'missing arguments',
    { out: { from: 'a', transforms: ['replace'] } },
    'out',
    /transform replace: arguments/,
  ],
  [
    'a transform of two names',
    { out: { from: 'a', transforms: [{ trim: 1, upper: 1 }] } },
    'out',
    /"name" or/,
  ],
  [
    'an unknown currency',
    { out: { from: 'a', transforms: [{ minorUnits: 'XXX' }] } },
    'out',
    /no currency "XXX"/,
  ],
  [
    'two ways to name a currency',
    { out: { from: 'a', transforms: [{ minorUnits: { currency: 'EUR', exponent: 2 } }] } },
    'out',
    /exactly one/,
  ],
  [
    'an unknown zone',
    { out: { from: 'a', transforms: [{ dateFormat: { to: 'iso', zone: 'Mars' } }] } },
    'out',
    /unknown time zone/,
  ],
  [
    'the zone of the machine',
    { out: { from: 'a', transforms: [{ dateFormat: { to: 'iso', zone: 'local' } }] } },
    'out',
    /unknown time zone/,
  ],
  [
    'a word both true and false',
    { out: { from: 'a', transforms: [{ boolean: { true: ['No'] } }] } },
    'out',
    /both true and false/,
  ],
  ['a bare value', { out: 5 }, 'out', /\{"value"/],
  ['no form', { out: {} }, 'out', /one of "from"/],
  ['two forms', { out: { from: 'a', value: 1 } }, 'out', /one of "from"/],
  ['an unknown key', { out: { from: 'a', defualt: 1 } }, 'out', /defualt/],
  ['a transform on a fixed value', { out: { value: 1, transforms: ['trim'] } }, 'out', /transforms/],
  [
    'required with a default',
    { out: { from: 'a', required: true, default: 1 } },
    'out',
    /exclude each other/,
  ],
  [
    'a condition with a faulty path',
    { out: { from: 'a', when: { path: '$nope', op: 'exists' } } },
    'out',
    /unknown name \$nope/,
  ],
  ['a condition that is none', { out: { from: 'a', when: { path: 1 } } }, 'out', /when/],
  [
    'a currency path with a fault',
    { out: { from: 'a', transforms: [{ minorUnits: { currencyFrom: '.x' } }] } },
    'out',
    /begin with a dot/,
  ],
  [
    'a currency of each element after a transform of the list',
    { out: { from: 'a[].p', transforms: ['sum', { minorUnits: { currencyFrom: 'a[].c' } }] } },
    'out',
    /after sum no value belongs to one/,
  ],
  ['one place twice', { 'a.b': 'x', 'a["b"]': 'y' }, 'a["b"]', /same field as "a\.b"/],
  ['one list made twice', { a: 'x', 'a[]': 'y' }, 'a[]', /same field as "a"/],
  ['a place as list and object', { 'a[].x': 'y[].x', 'a.b': 'z' }, 'a.b', /an object in one rule and a list/],
  [
    'a part of what fills every element',
    { 'l[].a': 'x', 'l[].a.b': 'y[].b' },
    'l[].a.b',
    /stands inside "l\[\]\.a"/,
  ],
  ['too many [] at the end', { 'a[][]': 'x' }, 'a[][]', /more \[\] than the source/],
  ['a great index', { 'a[1000]': 'x' }, 'a[1000]', /index above 999/],
  ['many []', { out: `a${'[]'.repeat(9)}` }, 'out', /more than 8 \[\]/],
  ['$each into []', { 'l[]': { $each: 'a', fields: {} } }, 'l[]', /leave out the \[\]/],
  ['$each without a list left', { 'o[].l': { $each: 'a', fields: {} } }, 'o[].l', /one more \[\]/],
]

describe('a mapping that cannot work', () => {
  test.each(wrong)('%s is refused by name of rule', (_title, mapping, rule, message) => {
    const error = thrownBy(mapping)
    expect(error.message).toMatch(message)
    expect(error.message).toContain(JSON.stringify(rule))
    expect(error.rule).toBe(rule)
  })

  test.each(wrong)('%s is an issue of the schema at its place', (_title, mapping, rule, message) => {
    const issue = mappingSchema.safeParse(mapping).error?.issues[0]
    expect(issue?.path[0]).toBe(rule)
    expect(issue?.message).toMatch(message)
  })

  test('rules within $each are named with those around them', () => {
    const mapping = {
      lines: {
        $each: 'a',
        fields: { b: { $each: 'c', fields: { 'x.y': { from: 'z', transforms: ['?'] } } } },
      },
    }
    expect(thrownBy(mapping).rule).toBe('lines[].b[].x.y')
    expect(mappingSchema.safeParse(mapping).error?.issues[0]?.path).toEqual([
      'lines',
      'fields',
      'b',
      'fields',
      'x.y',
    ])
    const shape = { lines: { $each: 'a', fields: { b: 7 } } }
    expect(thrownBy(shape).rule).toBe('lines[].b')
    expect(mappingSchema.safeParse(shape).error?.issues[0]?.path).toEqual(['lines', 'fields', 'b'])
  })

  test('all faults of form are reported together', () => {
    expect(
      mappingSchema.safeParse({ a: 1, b: {}, c: 'ok' }).error?.issues.map(({ path }) => path[0]),
    ).toEqual(['a', 'b'])
  })

  test('anything but an object of rules is refused', () => {
    for (const mapping of [null, undefined, 'a', [], 1, [['a', 'b']]]) {
      expect(mappingSchema.safeParse(mapping).success).toBe(false)
      expect(() => compileMapping(mapping as unknown as Mapping)).toThrow(MappingError)
    }
  })
})

describe('a mapping that works', () => {
  test('passes the schema unchanged, with keys that are special elsewhere', () => {
    const mapping = JSON.parse('{"__proto__": "a", "constructor.x": {"value": {"__proto__": 1}}, "": "b"}')
    const parsed = mappingSchema.parse(mapping)
    expect(JSON.stringify(parsed)).toBe(JSON.stringify(mapping))
    expect(compileMapping(parsed).rules).toHaveLength(3)
  })
})

function thrownBy(mapping: unknown): MappingError {
  try {
    compileMapping(mapping as Mapping)
  } catch (error) {
    if (error instanceof MappingError) return error
    throw error
  }
  throw new Error('the mapping compiled')
}
