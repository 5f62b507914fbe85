import { describe, expect, test } from 'vitest'
import type { Condition } from '../../src/payload/condition.ts'
import { applyMapping } from '../../src/rewrite/mapping/apply.ts'
import { compileMapping } from '../../src/rewrite/mapping/compile.ts'
import type { Mapping } from '../../src/rewrite/mapping/rule.ts'
import { mapped, tryMapping } from './mapping-trial.ts'

describe('default, required, keepNull', () => {
  test('a default stands in, as written, for an absent value, a null and what transforms leave empty', async () => {
    const mapping = {
      a: { from: 'none', default: ' as is ', transforms: ['trim'] },
      b: { from: 'nothing', default: 0 },
      c: { from: 'empty', default: 'no element', transforms: ['first'] },
      d: { from: 'blank', default: 'blank', transforms: ['blankToNull'] },
      e: { from: 'zero', default: 1 },
      f: { from: 'nothing', default: 1, keepNull: true },
    }
    expect(await mapped(mapping, { nothing: null, empty: [], blank: ' ', zero: 0 })).toEqual({
      a: ' as is ',
      b: 0,
      c: 'no element',
      d: 'blank',
      e: 0,
      f: null,
    })
  })

  test('a default is given element by element', async () => {
    const payload = { items: [{ q: 2 }, {}, { q: null }] }
    expect(await mapped({ 'l[].q': { from: 'items[].q', default: 1 } }, payload)).toEqual({
      l: [{ q: 2 }, { q: 1 }, { q: 1 }],
    })
  })

  test('a required value that is absent or null is named with its element', async () => {
    const rule = { from: 'orders[].items[].sku', required: true }
    const payload = { orders: [{ items: [{ sku: 'a' }] }, { items: [{ sku: 'b' }, {}] }] }
    expect(await tryMapping({ 'o[].l[].sku': rule }, payload)).toEqual({
      ok: false,
      rule: 'o[].l[].sku',
      path: 'orders[1].items[1].sku',
      message: 'required, but absent or null',
    })
    expect(await tryMapping({ id: { from: 'id', required: true } }, [{ id: 1 }, { id: null }])).toMatchObject(
      {
        rule: 'id',
        path: '[1].id',
      },
    )
    expect(await mapped({ id: { from: 'id', required: true, keepNull: true } }, { id: null })).toEqual({
      id: null,
    })
  })

  test('a required value misses its list, but not the elements of an empty one', async () => {
    const mapping = { 'l[].sku': { from: 'order.items[].sku', required: true } }
    expect(await tryMapping(mapping, { order: {} })).toMatchObject({ ok: false, path: 'order.items' })
    expect(await mapped(mapping, { order: { items: [] } })).toEqual({ l: [] })
  })
})

describe('when', () => {
  test('decides whether a field is set', async () => {
    const mapping = {
      a: { value: 'vip', when: { path: 'total', op: 'greater', value: 100 } },
      b: {
        from: 'total',
        when: { not: { path: 'total', op: 'exists' } },
        default: 'not even the default',
        required: false,
      },
      c: { from: 'total', when: { path: '$request.headers.topic', op: 'equals', value: 'orders/paid' } },
    } as const
    const request = { headers: { topic: 'orders/paid' } }
    expect(await mapped(mapping, { total: 150 }, { request })).toEqual({ a: 'vip', c: 150 })
  })

  test('a path that begins like the source means the same element', async () => {
    const mapping = {
      'l[].sku': {
        from: 'items[].sku',
        when: { path: 'items[].stock.count', op: 'greater' as const, value: 0 },
      },
      'l[].all': { from: 'items[].sku', when: { path: 'items[0].sku', op: 'equals' as const, value: 'a' } },
      'l[].none': {
        from: 'items[].sku',
        when: { all: [{ path: 'shop', op: 'equals' as const, value: 'other' }] },
      },
    }
    const payload = {
      shop: 'S',
      items: [{ sku: 'a', stock: { count: 1 } }, { sku: 'b', stock: { count: 0 } }, { sku: 'c' }],
    }
    expect(await mapped(mapping, payload)).toEqual({
      l: [{ sku: 'a', all: 'a' }, { all: 'b' }, { all: 'c' }],
    })
  })

  test('that shares an element with what is read as one list takes elements, not the field', async () => {
    const ok: Condition = { path: 'orders[].ok', op: 'equals', value: true }
    const bought: Condition = { all: [ok, { path: 'orders[].items[].n', op: 'greater', value: 0 }] }
    const mapping = {
      prices: { from: 'orders[].price', when: ok },
      total: { from: 'orders[].price', transforms: ['sum'], when: ok },
      skus: { from: 'orders[].items[].sku', when: bought },
      'o[].skus': { from: 'orders[].items[].sku', when: bought },
      lines: { $each: 'orders[].items', when: bought, fields: { no: 'sku' } },
      small: { from: 'prices[]', when: { path: 'prices[]', op: 'less', value: 2 } },
      any: { from: 'prices', when: { path: 'orders[].ok', op: 'equals', value: false } },
      none: { from: 'no[].price', when: { path: 'no[].ok', op: 'equals', value: true }, default: 'none' },
    } satisfies Mapping
    const items = [
      { sku: 'a', n: 1 },
      { sku: 'b', n: 0 },
    ]
    const payload = {
      prices: [1, 2],
      orders: [
        { price: 1, ok: false, items },
        { price: 2, ok: true, items },
      ],
    }
    expect(await mapped(mapping, payload)).toEqual({
      prices: [2],
      total: 2,
      skus: ['a'],
      o: [{ skus: [] }, { skus: ['a'] }],
      lines: [{ no: 'a' }],
      small: [1],
      any: [1, 2],
      none: 'none',
    })
    expect(
      await mapped({ prices: mapping.prices, total: mapping.total }, { orders: [{ price: 1 }] }),
    ).toEqual({
      prices: [],
      total: 0,
    })
  })

  test('spares what it excludes from being required, transformed or evaluated', async () => {
    const when = { path: 'go', op: 'exists' } as const
    const mapping = {
      a: { from: 'no', required: true, when },
      'b[].x': { from: 'no[].x', required: true, when },
      c: { from: 'text', transforms: ['number'], when },
      d: { expression: '$error("never")', when },
    }
    expect(await mapped(mapping, { text: 'x' })).toEqual({})
    expect(await tryMapping(mapping, { text: 'x', go: 1 })).toMatchObject({ ok: false, rule: 'a' })
  })
})

describe('transforms', () => {
  test('run per element for paired lists, over the whole list for collected ones', async () => {
    const payload = { items: [{ p: '1.10' }, { p: '2.20' }, {}] }
    const mapping = {
      'l[].p': { from: 'items[].p', transforms: ['number'] },
      total: { from: 'items[].p', transforms: ['number', 'sum', { fixed: 2 }] },
      text: { from: 'items[].p', transforms: [{ prefix: '€' }, { join: ' + ' }] },
    }
    expect(await mapped(mapping, payload)).toEqual({
      l: [{ p: 1.1 }, { p: 2.2 }, {}],
      total: '3.30',
      text: '€1.10 + €2.20',
    })
  })

  test('a currency is read from the payload or from the element', async () => {
    const payload = { currency: 'JPY', items: [{ p: '12', c: 'EUR' }, { p: '1.5', c: 'KWD' }, { p: 3 }] }
    const mapping = {
      'l[].own': {
        from: 'items[].p',
        transforms: [{ minorUnits: { currencyFrom: 'items[].c' } }],
        when: { path: 'items[].c', op: 'exists' as const },
      },
      first: { from: 'items[0].p', transforms: [{ minorUnits: { currencyFrom: 'currency' } }] },
    }
    expect(await mapped(mapping, payload)).toEqual({ l: [{ own: 1200 }, { own: 1500 }, {}], first: 12 })
    const failing = { x: { from: 'items[0].p', transforms: [{ minorUnits: { currencyFrom: 'no' } }] } }
    expect(await tryMapping(failing, payload)).toMatchObject({
      message: expect.stringContaining('got nothing'),
    })
  })

  test('of many values each has the currency of its own element, wherever a value is missing', async () => {
    const currencyFrom = (path: string) => ({ minorUnits: { currencyFrom: path } })
    const mapping = {
      total: { from: 'orders[].price', transforms: [currencyFrom('orders[].currency'), 'sum'] },
      list: { from: 'orders[].price', transforms: ['trim', currencyFrom('orders[].currency')] },
      'places[]': { from: 'orders[].price', transforms: [currencyFrom('orders[].currency')] },
      'o[].lines': { from: 'orders[].lines[].price', transforms: [currencyFrom('orders[].lines[].c')] },
      all: { from: 'orders[].lines[].price', transforms: [currencyFrom('orders[].currency')] },
    }
    const orders = [
      { price: '1.50', currency: 'EUR', lines: [{ price: '2', c: 'KWD' }, {}, { price: '3', c: 'JPY' }] },
      { currency: 'KWD' },
      { price: '100', currency: 'JPY', lines: [{ price: 4, c: 'EUR' }] },
    ]
    expect(await mapped(mapping, { orders })).toEqual({
      total: 250,
      list: [150, 100],
      places: [150, null, 100],
      o: [{ lines: [2000, 3] }, {}, { lines: [400] }],
      all: [200, 300, 4],
    })
  })

  test('a currency that is to be one must be one', async () => {
    const mapping = {
      t: { from: 'total', transforms: [{ minorUnits: { currencyFrom: 'lines[].currency' } }] },
    }
    const currencies = (...codes: string[]) => ({ total: 1, lines: codes.map((currency) => ({ currency })) })
    expect(await mapped(mapping, currencies('JPY', 'JPY'))).toEqual({ t: 1 })
    expect(await tryMapping(mapping, currencies('JPY', 'EUR'))).toMatchObject({
      message: 'minorUnits: expected one currency at lines[].currency, got "JPY" and "EUR"',
    })
  })

  test('a value that does not fit is named with rule, place and transform', async () => {
    const mapping = {
      lines: { $each: 'items', fields: { 'price.net': { from: 'p', transforms: ['trim', 'number'] } } },
    }
    expect(await tryMapping(mapping, [{ items: [] }, { items: [{ p: '1' }, { p: 'free' }] }])).toEqual({
      ok: false,
      rule: 'lines[].price.net',
      path: '[1].items[1].p',
      message: 'number: expected a number, got "free"',
    })
  })

  test('a place that already holds something else is not overwritten in silence', async () => {
    const result = await tryMapping({ a: 'text', 'a.b': 'text' }, { text: 'x' })
    expect(result).toMatchObject({
      ok: false,
      rule: 'a.b',
      message: expect.stringContaining('already holds "x"'),
    })
    expect(await mapped({ a: 'nothing', 'a.b': 'text' }, { text: 'x', nothing: null })).toEqual({
      a: { b: 'x' },
    })
  })

  test('data that looks like an answer of ours is data', async () => {
    const payload = { ok: false, rule: 'r', path: 'p', message: 'm', list: [{ ok: false }] }
    expect(await mapped({ '': '' }, payload)).toEqual(payload)
    expect(await mapped({ l: { $each: 'list', fields: { '': '' } } }, payload)).toEqual({
      l: [{ ok: false }],
    })
  })
})

describe('expressions', () => {
  test('read the payload or the element, and combine with the rest', async () => {
    const mapping = {
      total: { expression: '$sum(items.(p * q))', transforms: [{ fixed: 2 }] },
      none: { expression: 'nowhere', default: 'nothing' },
      lines: { $each: 'items', fields: { net: { expression: 'p * q' }, p: 'p' } },
    }
    expect(
      await mapped(mapping, {
        items: [
          { p: 2, q: 3 },
          { p: 1, q: 0.5 },
        ],
      }),
    ).toEqual({
      total: '6.50',
      none: 'nothing',
      lines: [
        { net: 6, p: 2 },
        { net: 0.5, p: 1 },
      ],
    })
  })

  test('one call asks all expressions of a payload, and none where there are none', async () => {
    const calls: string[][] = []
    const evaluate = async (expressions: string[]) => {
      calls.push(expressions)
      return expressions.map((expression) => ({ ok: true as const, value: expression }))
    }
    const scope = { payload: [{}, {}], request: {}, event: {}, source: {} }
    const compiled = compileMapping({ a: { expression: '1' }, b: { expression: '2' }, c: 'x' })
    expect(await applyMapping(compiled, scope, evaluate)).toEqual({
      ok: true,
      value: [
        { a: '1', b: '2' },
        { a: '1', b: '2' },
      ],
    })
    expect(calls).toEqual([
      ['1', '2'],
      ['1', '2'],
    ])
    const when = { path: 'x', op: 'exists' as const }
    await applyMapping(compileMapping({ a: 'x', b: { expression: '3', when } }), scope, evaluate)
    expect(calls).toHaveLength(2)
  })

  test('one that fails is named with its text', async () => {
    expect(await tryMapping({ 'a.b': { expression: '$error("no stock")' } }, {})).toEqual({
      ok: false,
      rule: 'a.b',
      path: '$error("no stock")',
      message: 'no stock',
    })
    const silent = await applyMapping(
      compileMapping({ a: { expression: '1' } }),
      { payload: {}, request: {}, event: {}, source: {} },
      async () => [],
    )
    expect(silent).toMatchObject({ ok: false, message: 'the expression was not answered' })
  })
})
