import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stringifyExact } from '../../src/payload/exact-json.ts'
import { readForm } from '../../src/payload/read-form.ts'

const LIMITS = { depthMax: 10, keysMax: 1_000 }

function read(body: string | Buffer, charset?: string, limits = LIMITS): unknown {
  const result = readForm(Buffer.from(body as string), charset, limits)
  return result.ok ? result.value : `${result.problem}: ${result.message}`
}

describe('fields become an object', () => {
  test.each<[string, unknown]>([
    ['webhook_id=12', { webhook_id: '12' }],
    ['a=1&b=&c&=d&&e=f=g', { a: '1', b: '', c: '', '': 'd', e: 'f=g' }],
    ['a=x+y%20z&n%C3%A4me=%E2%82%AC%26', { a: 'x y z', näme: '€&' }],
    ['a=ü', { a: 'ü' }],
    ['\ufeffa=1', { a: '1' }],
    ['id=820982911946154508', { id: '820982911946154508' }],
  ])('%s', (body, value) => {
    expect(read(body)).toEqual(value)
  })

  test.each<[string, unknown]>([
    ['a=1&a=2', { a: ['1', '2'] }],
    ['a[]=1&a[]=2', { a: ['1', '2'] }],
    ['a[]=1', { a: ['1'] }],
    ['a[0]=x&a[1]=y', { a: ['x', 'y'] }],
    ['a[1]=x&a[2]=y', { a: { 1: 'x', 2: 'y' } }],
    ['a[5]=x&a[]=y', { a: { 5: 'x', 6: 'y' } }],
    ['a[99999999999]=x&a[]=y', { a: { 99999999999: 'x', 0: 'y' } }],
    ['a[b][c]=1&a[b][d]=2&a[e]=3', { a: { b: { c: '1', d: '2' }, e: '3' } }],
    ['i%5B0%5D%5Bsku%5D=A&i%5B1%5D%5Bsku%5D=B', { i: [{ sku: 'A' }, { sku: 'B' }] }],
    ['a[][x]=1&a[][x]=2', { a: [{ x: '1' }, { x: '2' }] }],
  ])('nested and repeated: %s', (body, value) => {
    expect(read(body)).toEqual(value)
  })

  test.each(['a[b=1', 'a]b=1', '[a]=1', 'a[b]c=1', 'a[b]c[d]=1', 'a[b]]=1', 'a[b[c]]=1', 'a[[]=1', 'a.b=1'])(
    'other names are plain: %s',
    (body) => {
      expect(read(body)).toEqual({ [body.split('=')[0] ?? '']: '1' })
    },
  )

  test('names that mean something in JavaScript are plain keys', () => {
    const value = read('__proto__[isAdmin]=1&constructor[prototype][x]=2&a[__proto__]=3&toString=4')
    expect(JSON.stringify(value)).toBe(
      '{"__proto__":{"isAdmin":"1"},"constructor":{"prototype":{"x":"2"}},"a":{"__proto__":"3"},"toString":"4"}',
    )
    expect(Object.hasOwn(Object.prototype, 'isAdmin')).toBe(false)
  })
})

describe('payload=<json>', () => {
  test('is that JSON, digit for digit', () => {
    const result = readForm(Buffer.from('payload=%7B%22id%22%3A18446744073709551616%7D'), undefined, LIMITS)
    expect(result.ok && stringifyExact(result.value)).toBe('{"id":18446744073709551616}')
    expect(read('payload=[1,2]')).toEqual([1, 2])
  })

  test('that is broken or too deep is refused', () => {
    expect(read('payload={"a":')).toBe(
      'unreadable: the form field payload is not valid JSON: ends too early (line 1, column 6)',
    )
    expect(read(`payload=${'['.repeat(20)}`)).toContain('too_deep')
  })

  test('with other fields, or without JSON, is a field like others', () => {
    expect(read('payload={}&x=1')).toEqual({ payload: '{}', x: '1' })
    expect(read('payload=hello')).toEqual({ payload: 'hello' })
  })
})

describe('what cannot be read exactly is refused', () => {
  test.each([
    ['a=%', 'unreadable: a % that begins no escape in the form field a'],
    ['a=%4', 'unreadable: a % that begins no escape in the form field a'],
    ['x=1&%zz=1', 'unreadable: a % that begins no escape in the name at byte 4 of the form'],
    ['a=%FF', 'unreadable: the body is not valid utf-8: byte 0 does not fit in the form field a'],
    ['a=1&a[b]=2', 'unreadable: the form field a[b] is a value and a group at once'],
    ['a[b]=2&a=1', 'unreadable: the form field a is a value and a group at once'],
  ])('%s', (body, message) => {
    expect(read(body)).toBe(message)
  })

  test('depth and count have limits', () => {
    expect(read(`a${'[b]'.repeat(9)}=1`)).toBeTypeOf('object')
    expect(read(`a${'[b]'.repeat(10)}=1`)).toContain('too_deep')
    expect(read(`a${'[b]'.repeat(1_000_000)}=1`)).toContain('too_deep')
    expect(read(`a${'[]'.repeat(5_000_000)}=1`)).toContain('too_deep')
    expect(read(`${'[]'.repeat(5_000_000)}=1`)).toBeTypeOf('object')
    expect(read('a=1&'.repeat(1_000))).toBeTypeOf('object')
    expect(read('a=1&'.repeat(1_001))).toContain('too_many_keys')
    const groups = Array.from({ length: 300 }, (_, at) => `a[${at}][b][c][d]=1`).join('&')
    expect(read(groups)).toContain('too_many_keys')
  })
})

test('the charset of the content type decodes the escapes', () => {
  expect(read('a=%E9%80', 'windows-1252')).toEqual({ a: 'é€' })
  expect(read(Buffer.from('a=\xe9', 'latin1'), 'ISO-8859-1')).toEqual({ a: 'é' })
  expect(read('a=%EF%BB%BFx')).toEqual({ a: '\ufeffx' })
  expect(read('a=%E9', 'koi8-r')).toContain('unsupported')
  expect(read('a=1', 'utf-16')).toContain('unsupported')
})

test('whatever URLSearchParams writes is read back', () => {
  const field = fc.tuple(
    fc.string({ unit: 'grapheme' }).filter((name) => !name.includes('[') && name !== 'payload'),
    fc.string({ unit: 'grapheme' }),
  )
  fc.assert(
    fc.property(
      fc.uniqueArray(field, { selector: ([name]) => name, minLength: 1, maxLength: 8 }),
      (fields) => {
        const value = read(new URLSearchParams(fields).toString())
        expect(new Map(Object.entries(value as object))).toEqual(new Map(fields))
      },
    ),
  )
})
