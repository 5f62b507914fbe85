import { describe, expect, test } from 'vitest'
import { stringifyExact } from '../../src/payload/exact-json.ts'
import { readAlwaysList, readXml } from '../../src/payload/read-xml.ts'
import { processorMs } from '../world/processor-ms.ts'
import { XML_CASES } from './xml-cases.ts'

const LIMITS = { depthMax: 100, keysMax: 100_000 }
const NO_LISTS = readAlwaysList([])

function read(xml: string, alwaysList: readonly string[] = []): unknown {
  const result = readXml(xml, LIMITS, readAlwaysList(alwaysList))
  return result.ok ? result.value : result.message
}

test.each(XML_CASES)('$promise', ({ xml, json, alwaysList }) => {
  const value = read(xml, alwaysList)
  expect(value).toEqual(json)
  // toEqual looks past keys called __proto__; text does not.
  expect(JSON.stringify(value)).toBe(JSON.stringify(json))
})

test('nothing is polluted by names', () => {
  read('<__proto__><polluted>1</polluted></__proto__>')
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
})

test('the seed’s order becomes the documented JSON', () => {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<webhook><event>order.created</event><order><id>123456</id><items>
<item><sku>TSHIRT-001</sku><quantity>2</quantity></item></items></order></webhook>`
  expect(stringifyExact(read(xml) as never)).toBe(
    '{"webhook":{"event":"order.created","order":{"id":"123456","items":{"item":{"sku":"TSHIRT-001","quantity":"2"}}}}}',
  )
  expect(read(xml, ['webhook.order.items.item'])).toMatchObject({
    webhook: { order: { items: { item: [{ sku: 'TSHIRT-001' }] } } },
  })
})

test('alwaysList passes over indices and [], takes quoted keys, and refuses what is no path', () => {
  expect(read('<a><b.c>1</b.c></a>', ['a["b.c"]'])).toEqual({ a: { 'b.c': ['1'] } })
  expect(read('<a><b><c>1</c></b></a>', ['a[0].b[].c'])).toEqual({ a: { b: { c: ['1'] } } })
  expect(read('<a>1</a>', ['a'])).toEqual({ a: ['1'] })
  expect(() => readAlwaysList(['a..b'])).toThrow('a..b')
})

describe('text of any length', () => {
  test.each([1, 255, 256, 257, 5_000])('%i characters read like few', (length) => {
    const long = 'x'.repeat(length)
    expect(read(`<a>${long}&amp;<!-- c -->${long}<![CDATA[&amp;${long}]]>]]&gt;</a>`)).toEqual({
      a: `${long}&${long}&amp;${long}]]>`,
    })
    expect(read(`<a>${long}]]<b/> ${' '.repeat(length)}\r\n<b/></a>`)).toEqual({
      a: { '#text': `${long}]]`, b: ['', ''] },
    })
  })
})

describe('time is linear in the body', () => {
  const megabytes = 3_000_000
  test.each([
    ['one long text', `<a>${'x'.repeat(megabytes)}</a>`],
    ['many references', `<a>${'&amp;'.repeat(megabytes / 5)}</a>`],
    ['many comments', `<a>${'<!---->'.repeat(megabytes / 7)}</a>`],
    ['one long attribute', `<a b="${'x'.repeat(megabytes)}"/>`],
    ['an attribute that is not closed', `<a b="${'x'.repeat(megabytes)}`],
    ['one long run of blanks', `<a>${' '.repeat(megabytes)}<b/></a>`],
    ['blanks in a tag', `<a${' '.repeat(megabytes)}/>`],
    ['a reference that never ends', `<a>&#${'0'.repeat(megabytes)}</a>`],
    ['many brackets', `<a>${']'.repeat(megabytes)}</a>`],
    ['80,000 attributes', `<a ${Array.from({ length: 80_000 }, (_, i) => `a${i}="v"`).join(' ')}/>`],
    ['90,000 elements', `<a>${'<b>1</b> '.repeat(90_000)}</a>`],
    ['90,000 names', `<a>${Array.from({ length: 90_000 }, (_, i) => `<b${i}/>`).join('')}</a>`],
    ['many CDATA sections', `<a>${'<![CDATA[]]>'.repeat(megabytes / 12)}</a>`],
  ])('%s', (_name, xml) => {
    expect(processorMs(() => readXml(xml, LIMITS, NO_LISTS))).toBeLessThan(4_000)
  })
})
