import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { writeBody } from '../../src/http-request/body.ts'
import { parseExact } from '../../src/payload/exact-json.ts'

const ITEM = '{"id":123456789012345678901234567890,"total":1.10,"rate":0.12345678901234567890,"huge":1e400}'

function bodyOf(json: string, format: 'json' | 'xml' | 'form', xmlRoot?: string): string {
  const written = writeBody(parseExact(json), { format, xmlRoot })
  if (!written.ok) throw new Error(written.message)
  return written.body
}

describe('numbers keep their digits', () => {
  test('in JSON', () => {
    expect(bodyOf(ITEM, 'json')).toBe(ITEM.replace('1.10', '1.1'))
  })

  test('in XML', () => {
    expect(bodyOf(ITEM, 'xml', 'order')).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><order><id>123456789012345678901234567890</id><total>1.1</total>' +
        '<rate>0.12345678901234567890</rate><huge>1e400</huge></order>',
    )
  })

  test('in a form', () => {
    expect(bodyOf(ITEM, 'form')).toBe(
      'id=123456789012345678901234567890&total=1.1&rate=0.12345678901234567890&huge=1e400',
    )
  })

  test('integers of any size, in all three', () => {
    fc.assert(
      fc.property(fc.bigInt(), (id) => {
        expect(bodyOf(`{"id":${id}}`, 'json')).toBe(`{"id":${id}}`)
        expect(bodyOf(`{"id":${id}}`, 'form')).toBe(`id=${id}`)
        expect(bodyOf(`{"id":${id}}`, 'xml', 'o')).toContain(`<o><id>${id}</id></o>`)
      }),
    )
  })
})

describe('a form', () => {
  test('takes PHP brackets for what is nested', () => {
    const json = '{"a":{"b":[1,{"c":"x y"}]},"t":true,"f":false,"n":null,"none":[],"empty":{},"s":"ä&="}'
    expect(decodeURIComponent(bodyOf(json, 'form'))).toBe('a[b][0]=1&a[b][1][c]=x+y&t=true&f=false&n=&s=ä&=')
    expect(bodyOf(json, 'form')).toContain('s=%C3%A4%26%3D')
  })

  test('keeps names that mean something to JavaScript', () => {
    expect(bodyOf('{"__proto__":{"x":1},"toString":2}', 'form')).toBe('__proto__%5Bx%5D=1&toString=2')
  })

  test.each(['[1]', '"text"', '5', 'null'])('cannot be made of %s', (json) => {
    expect(writeBody(parseExact(json), { format: 'form' })).toMatchObject({ ok: false })
  })
})

describe('XML', () => {
  const document = (inner: string) => `<?xml version="1.0" encoding="UTF-8"?>${inner}`

  test('gets the root that the destination names, also around a single field', () => {
    expect(bodyOf('{"id":5}', 'xml', 'order')).toBe(document('<order><id>5</id></order>'))
    expect(bodyOf('{"order":{"id":5}}', 'xml', 'order')).toBe(document('<order><id>5</id></order>'))
    expect(bodyOf('[1,2]', 'xml', 'list')).toBe(document('<list><item>1</item><item>2</item></list>'))
    expect(bodyOf('"x"', 'xml', '__proto__')).toBe(document('<__proto__>x</__proto__>'))
  })

  test('without one has the only key as its root', () => {
    expect(bodyOf('{"order":{"id":5}}', 'xml')).toBe(document('<order><id>5</id></order>'))
    expect(bodyOf('{"a":1,"b":2}', 'xml')).toBe(document('<data><a>1</a><b>2</b></data>'))
  })

  test('that cannot be written says where', () => {
    expect(writeBody({ a: { 'b c': 1 } }, { format: 'xml' })).toMatchObject({
      ok: false,
      message: expect.stringContaining('b c'),
    })
  })
})

describe('text', () => {
  test.each([
    ['"a\\nb"', 'a\nb'],
    ['123456789012345678901', '123456789012345678901'],
    ['1e400', '1e400'],
    ['true', 'true'],
    ['null', ''],
    ['{"id":123456789012345678901}', '{"id":123456789012345678901}'],
    ['[1,"a"]', '[1,"a"]'],
  ])('%s is a text as it stands, or JSON', (json, expected) => {
    expect(writeBody(parseExact(json), { format: 'text' })).toEqual({
      ok: true,
      body: expected,
      contentType: 'text/plain; charset=utf-8',
    })
  })
})
