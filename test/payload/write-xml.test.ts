import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Json, type JsonObject, NumberText, parseExact, setKey } from '../../src/payload/exact-json.ts'
import { readAlwaysList, readXml } from '../../src/payload/read-xml.ts'
import { writeXml } from '../../src/payload/write-xml.ts'
import { XML_CASES } from './xml-cases.ts'

const LIMITS = { depthMax: 500, keysMax: 1_000_000 }
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'

function write(value: Json, rootName = 'data'): string {
  const written = writeXml(value, { rootName })
  return written.ok ? written.xml.replace(DECLARATION, '') : `${written.path}: ${written.message}`
}

function readBack(xml: string): Json {
  const read = readXml(xml, LIMITS, readAlwaysList([]))
  if (!read.ok) throw new Error(`${read.message}: ${xml}`)
  return read.value
}

describe('the convention', () => {
  test.each<[Json, string]>([
    [{ order: { id: 1, sku: 'A' } }, '<order><id>1</id><sku>A</sku></order>'],
    [{ order: { '@id': 7, '#text': 'x' } }, '<order id="7">x</order>'],
    [{ o: { i: ['a', 'b'], n: null, e: '', l: [] } }, '<o><i>a</i><i>b</i><n/><e/></o>'],
    [{ o: { t: true, f: false } }, '<o><t>true</t><f>false</f></o>'],
    [{ o: '<a> & "b"\r' }, '<o>&lt;a&gt; &amp; "b"&#13;</o>'],
    [{ o: { '@a': '<"\'\t\n\r&' } }, '<o a="&lt;&quot;\'&#9;&#10;&#13;&amp;"/>'],
    [{ a: 1, b: 2 }, '<data><a>1</a><b>2</b></data>'],
    [{ a: [1, 2] }, '<data><a>1</a><a>2</a></data>'],
    [{ a: [1] }, '<a>1</a>'],
    [[1, { b: 2 }], '<data><item>1</item><item><b>2</b></item></data>'],
    [{ a: { b: [[1, 2], 3] } }, '<a><b><item>1</item><item>2</item></b><b>3</b></a>'],
    [{ '@a': 1 }, '<data a="1"/>'],
    ['x', '<data>x</data>'],
    [null, '<data/>'],
    [{}, '<data/>'],
  ])('%j', (value, xml) => {
    expect(write(value)).toBe(xml)
  })

  test('numbers keep their digits', () => {
    const value = parseExact('{"o":{"id":820982911946154508,"@n":18446744073709551616,"x":1e400}}')
    expect(write(value)).toBe('<o n="18446744073709551616"><id>820982911946154508</id><x>1e400</x></o>')
    expect(write({ o: new NumberText('0.10000000000000000000000001') })).toBe(
      '<o>0.10000000000000000000000001</o>',
    )
  })
})

describe('what XML cannot hold is a problem at its path', () => {
  test.each<[Json, string]>([
    [{ o: { 'a b': 1 } }, 'o.a b'],
    [{ o: { items: [{ x: 1 }, { '1st': 1 }] } }, 'o.items[1].1st'],
    [{ o: { '': 1 } }, 'o[""]'],
    [{ o: { '@': 1 } }, 'o.@'],
    [{ o: { '@a': { b: 1 } } }, 'o.@a'],
    [{ o: { '#text': ['x'] } }, 'o.#text'],
    [{ o: { a: 'x\u0000' } }, 'o.a'],
    [{ o: { a: '\ud800' } }, 'o.a'],
    [{ o: { '@a': '\uffff' } }, 'o.@a'],
    [{ o: { 'a><script': 1 } }, 'o.a><script'],
    [{ o: { ['a'.repeat(1_001)]: 1 } }, `o.${'a'.repeat(1_001)}`],
  ])('%j', (value, path) => {
    expect(writeXml(value, { rootName: 'data' })).toMatchObject({ ok: false, path })
  })

  test('a root name that is none, and a depth that no payload has', () => {
    expect(write(1, 'not a name')).toContain('not a name')
    let deep: Json = 1
    for (let level = 0; level < 600; level++) deep = { a: deep }
    expect(write(deep)).toContain('nested too deeply')
  })
})

test.each(XML_CASES)('reading, writing and reading again changes nothing: $promise', ({ xml }) => {
  const value = readBack(xml)
  expect(JSON.stringify(readBack(write(value)))).toBe(JSON.stringify(value))
})

const nameStart = fc.constantFrom(
  'a',
  'Z',
  '_',
  'é',
  '名',
  '𐀀',
  'constructor',
  '__proto__',
  'toString',
  'x:y',
)
const name = fc
  .tuple(nameStart, fc.string({ unit: fc.constantFrom('a', '-', '.', '7', '·', ':'), maxLength: 3 }))
  .map((parts) => parts.join(''))
const text = fc
  .string({
    unit: fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          'a',
          ' ',
          '\n',
          '\r',
          '\t',
          '&',
          '<',
          '>',
          ']',
          '"',
          "'",
          '€',
          '😀',
          '&amp;',
          ']]>',
          '<!--',
        ),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 3 }) },
    ),
    maxLength: 12,
  })
  .filter((value) => !/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(value))
  .chain((value) => fc.constantFrom(value, value.repeat(60)))

/** Everything that XML can say: elements with attributes, text and children, none of it empty where it would vanish. */
const { element } = fc.letrec<{ element: Json; object: Json }>((tie) => ({
  element: fc.oneof({ depthSize: 'small', withCrossShrink: true }, text, tie('object')),
  object: fc
    .record({
      attributes: fc.array(
        fc.tuple(
          name.map((one) => `@${one}`),
          text,
        ),
        { maxLength: 3 },
      ),
      text: fc.option(
        text.filter((value) => value !== ''),
        { nil: undefined },
      ),
      children: fc.array(fc.tuple(name, fc.array(tie('element'), { minLength: 1, maxLength: 3 })), {
        minLength: 1,
        maxLength: 3,
      }),
    })
    .map(({ attributes, text, children }) => {
      const object: JsonObject = {}
      for (const [key, value] of attributes) if (key !== '@xml:space') setKey(object, key, value)
      if (text !== undefined) setKey(object, '#text', text)
      for (const [key, list] of children) setKey(object, key, list.length === 1 ? (list[0] ?? '') : list)
      return object
    }),
}))

test('whatever has strings for leaves is the same after writing and reading', () => {
  fc.assert(
    fc.property(name, element, (root, value) => {
      const document: JsonObject = {}
      setKey(document, root, value)
      const written = writeXml(document, { rootName: 'data' })
      if (!written.ok) throw new Error(`${written.path}: ${written.message}`)
      expect(JSON.stringify(readBack(written.xml))).toBe(JSON.stringify(document))
    }),
    { numRuns: 500 },
  )
})

test('any JSON is written as well-formed XML or is a problem', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const written = writeXml(value as Json, { rootName: 'data' })
      if (written.ok) readBack(written.xml)
    }),
    { numRuns: 500 },
  )
})
