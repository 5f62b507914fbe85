import { describe, expect, test } from 'vitest'
import { type Json, stringifyExact } from '../../src/payload/exact-json.ts'
import { transforms } from '../../src/rewrite/mapping/transforms.ts'
import { mapped, tryMapping } from './mapping-trial.ts'

async function transformed(value: Json, ...written: Json[]): Promise<Json> {
  const result = await mapped({ out: { from: 'in', transforms: written, keepNull: true } }, { in: value })
  return (result as { out: Json }).out
}

async function complaint(value: Json, ...written: Json[]): Promise<string> {
  const result = await tryMapping({ out: { from: 'in', transforms: written } }, { in: value })
  return result.ok ? `no complaint but ${stringifyExact(result.value)}` : result.message
}

describe('the reference', () => {
  const examples = transforms.flatMap((one) =>
    one.examples.map((example) => ({ ...example, name: one.name })),
  )

  test.each(
    examples.map(
      (example) => [stringifyExact([example.name, example.args ?? null, example.from]), example] as const,
    ),
  )('example %s', async (_title, { name, args, from, to }) => {
    expect(await transformed(from, args === undefined ? name : { [name]: args })).toStrictEqual(to)
  })

  test('names every transform once, with an example each', () => {
    expect(new Set(transforms.map(({ name }) => name)).size).toBe(transforms.length)
    for (const { name, examples, meaning } of transforms) {
      expect(examples.length, name).toBeGreaterThan(0)
      expect(meaning, name).toMatch(/\.$/)
    }
  })
})

describe('nulls and lists', () => {
  test('null stays null in every transform that works on values or lists', async () => {
    for (const { name, on, examples } of transforms) {
      if (on === 'whole') continue
      const args = examples[0]?.args
      expect(await transformed(null, args === undefined ? name : { [name]: args }), name).toBeNull()
    }
  })

  test('a value transform works on each element, names the one that does not fit, and keeps nulls', async () => {
    expect(await transformed(['1', null, '2.50'], 'number')).toEqual([1, null, 2.5])
    expect(await complaint(['1', 'x'], 'number')).toBe('number: element 1: expected a number, got "x"')
  })

  test('a list transform reads a single value as a list of one', async () => {
    expect(await transformed('a', 'count')).toBe(1)
    expect(await transformed('7', 'sum')).toBe(7)
  })
})

describe('numbers', () => {
  test.each(['', ' ', '1,5', '1.2.3', '0x10', 'NaN', 'Infinity', '--1', '1e', '٣', '1_000', '1e9999', '.'])(
    'text %j is not a number',
    async (text) => {
      expect(await complaint(text, 'number')).toContain('expected a number')
    },
  )

  test('text of more digits than allowed is not read', async () => {
    expect(await complaint('9'.repeat(10_001), 'number')).toContain('expected a number')
    expect(await transformed('9'.repeat(10_000), 'number')).toBe(10n ** 10_000n - 1n)
  })

  test('other values are not numbers either', async () => {
    for (const value of [true, {}, { a: 1 }])
      expect(await complaint(value, 'number')).toContain('expected a number')
  })

  test('other decimal signs are taken only when named', async () => {
    expect(await transformed('1.234.567,5', { number: { decimal: ',', group: '.' } })).toBe(1234567.5)
    expect(await transformed('12,5', { number: { decimal: ',' } })).toBe(12.5)
    expect(await complaint('12.5', { number: { decimal: ',' } })).toContain('expected a number')
    expect(await complaint('1,2,3', { number: { decimal: ',' } })).toContain('expected a number')
  })

  test.each([
    ['1.234,5', 1234.5],
    ['-12.345.678', -12345678],
    [' +123.456 ', 123456],
    ['1234567,5', 1234567.5],
    ['999', 999],
    [',5', 0.5],
    ['1.00.000', 100000],
    ['-12.34.56.789,5', -123456789.5],
    ['123.45.678', 12345678],
  ])(
    'group signs may stand before three digits, and two where more follow, as in %s',
    async (text, number) => {
      expect(await transformed(text, { number: { decimal: ',', group: '.' } })).toBe(number)
    },
  )

  test.each([
    '1.5',
    '12.50',
    '1.23,45',
    '1.2345',
    '1234.567',
    '0.125',
    '.123',
    '1..234',
    '1.234.',
    '1,234.567',
    '1.234,5.6',
    '1.234e5',
    '1.00.00',
    '1.000.00',
    '1.0.000',
    '1.0000.000',
    '1234.56.789',
    '0.12.345',
    '31.12.2026',
  ])('a group sign that stands elsewhere makes %s no number', async (text) => {
    for (const name of ['number', 'integer'])
      expect(await complaint(text, { [name]: { decimal: ',', group: '.' } })).toContain('expected a number')
  })

  test('a group sign may be any character', async () => {
    expect(await transformed('1 234 567.25', { number: { group: ' ' } })).toBe(1234567.25)
    expect(await transformed('1’234', { integer: { group: '’' } })).toBe(1234)
    expect(await transformed('12,34,567.25', { number: { group: ',' } })).toBe(1234567.25)
    expect(await complaint('1 5', { number: { group: ' ' } })).toContain('expected a number')
  })

  test('an integer has no fraction', async () => {
    expect(await complaint('12.5', 'integer')).toBe('integer: expected an integer, got 12.5')
    expect(await transformed(1e21, 'integer')).toBe(10n ** 21n)
  })

  test.each([
    ['halfUp', [3, -3, 4, 2]],
    ['halfDown', [2, -2, 3, 2]],
    ['halfEven', [2, -2, 4, 2]],
    ['up', [3, -3, 4, 3]],
    ['down', [2, -2, 3, 2]],
    ['ceil', [3, -2, 4, 3]],
    ['floor', [2, -3, 3, 2]],
  ])('rounding %s', async (mode, expected) => {
    expect(await transformed(['2.5', '-2.5', '3.5', '2.1'], { round: { decimals: 0, mode } })).toEqual(
      expected,
    )
  })

  test('decimals that doubles miss come out right', async () => {
    expect(await transformed([1.005, 2.675, 1.255], { round: 2 })).toEqual([1.01, 2.68, 1.26])
    expect(await transformed('-0.001', { fixed: 2 })).toBe('0.00')
    expect(await transformed('1e-7', 'string')).toBe('1e-7')
    expect(await transformed(1e-7, 'string')).toBe('0.0000001')
    expect(await transformed(['0.1', '0.2'], 'sum')).toBe(0.3)
  })
})

describe('money', () => {
  test('more decimals than the currency has are an error unless a mode rounds', async () => {
    expect(await complaint('1.005', { minorUnits: 'EUR' })).toContain('more decimals than the currency')
    expect(await complaint('10.50', { minorUnits: 'JPY' })).toContain('more decimals than the currency')
    expect(await transformed('1.005', { minorUnits: { currency: 'EUR', mode: 'halfEven' } })).toBe(100)
    expect(await transformed('19.99', { minorUnits: 'eur' })).toBe(1999)
    expect(await transformed('12.34', { minorUnits: 'HUF' })).toBe(1234)
  })
})

describe('dates', () => {
  test.each([
    ['2024-01-15T10:30:00.123Z', { to: 'iso' }, '2024-01-15T10:30:00.123Z'],
    ['2017-03-22 18:16:45', { to: 'unix' }, 1490206605],
    ['20240115', { to: 'isoDate' }, '2024-01-15'],
    ['2024-W03-1', { to: 'isoDate' }, '2024-01-15'],
    ['Mon, 15 Jan 2024 10:30:00 +0200', { to: 'iso' }, '2024-01-15T10:30:00+02:00'],
    ['Mon, 15 Jan 2024 10:30:00 GMT', { to: 'unixMs' }, 1705314600000],
    [1705314600.5, { to: 'unixMs' }, 1705314600500],
    [-1, { to: 'iso' }, '1969-12-31T23:59:59Z'],
    [
      '15.01.2024',
      { from: 'dd.MM.yyyy', to: 'iso', sourceZone: 'Europe/Berlin' },
      '2024-01-15T00:00:00+01:00',
    ],
    ['2024-07-01', { to: 'd. LLLL yyyy', locale: 'de' }, '1. Juli 2024'],
    ['2024-01-15T23:30:00-05:00', { to: 'isoDate', zone: 'utc' }, '2024-01-16'],
    ['2024-01-15T10:30:00Z', { to: 'http' }, 'Mon, 15 Jan 2024 10:30:00 GMT'],
    ['2024-01-15T10:30:00Z', { to: 'rfc2822', zone: 'UTC+1' }, 'Mon, 15 Jan 2024 11:30:00 +0100'],
  ])('%j with %j is %j', async (from, args, to) => {
    expect(await transformed(from, { dateFormat: args })).toBe(to)
  })

  test.each(['yesterday', '', '10:30', '2024', '2024-02-30', '12/8/2011 21:56', 1e300, '9'.repeat(40), true])(
    '%j is not taken for a date',
    async (from) => {
      expect(await complaint(from, { dateFormat: { to: 'iso' } })).toMatch(/is not a date|expected a date/)
    },
  )
})

describe('values', () => {
  test('booleans are words of a closed list', async () => {
    expect(await transformed(['TRUE', 1, 'y', 'off', '0', false], 'boolean')).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ])
    for (const value of ['', '2', 'maybe', 2])
      expect(await complaint(value, 'boolean')).toContain('expected a word')
  })

  test('a table answers own keys only, and a null in it is an answer', async () => {
    expect(await complaint('toString', { lookup: { table: { a: 1 } } })).toContain('no entry for "toString"')
    expect(await transformed('a', { lookup: { table: { a: null }, default: 'x' } })).toBeNull()
    expect(
      await transformed(12345678901234567890n, { lookup: { table: { '12345678901234567890': 'long' } } }),
    ).toBe('long')
    const table = JSON.parse('{"__proto__": "own"}')
    expect(await transformed('__proto__', { lookup: { table } })).toBe('own')
  })

  test('JSON text is read within limits, and written exactly', async () => {
    expect(await complaint('{"a":', 'json')).toContain('not JSON')
    expect(await complaint('['.repeat(500_000), 'json')).toContain('deeper than')
    expect(await transformed('"[[[["', 'json')).toBe('[[[[')
    const list = (length: number) => `[${Array(length).fill('{}').join()}]`
    expect(await transformed(list(100_000), 'json', 'count')).toBe(100_000)
    expect(await complaint(list(100_001), 'json')).toContain('100001 keys and elements, more than 100000')
    expect(await transformed([1, null, 12345678901234567890n], 'toJson')).toBe(
      '[1,null,12345678901234567890]',
    )
    expect(await transformed(null, 'toJson')).toBe('null')
  })

  test('replacement text has no patterns in it', async () => {
    expect(await transformed('a.b', { replace: { search: '.', with: '$&$1' } })).toBe('a$&$1b')
  })

  test('characters beyond the basic plane are not cut in half', async () => {
    expect(await transformed('👍👍👍', { truncate: 2 })).toBe('👍👍')
    expect(await transformed('a👍b', { slice: { from: 1, to: 2 } })).toBe('👍')
  })

  test('objects are not text', async () => {
    expect(await complaint({ a: 1 }, 'upper')).toBe('upper: expected text or a number, got an object')
    expect(await complaint([['a']], 'upper')).toContain('got a list')
  })
})
