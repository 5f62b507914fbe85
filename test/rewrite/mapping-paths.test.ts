import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Json, type JsonObject, setKey } from '../../src/payload/exact-json.ts'
import { mapped, tryMapping } from './mapping-trial.ts'

const order = {
  email: 'john@example.com',
  currency: 'EUR',
  order: {
    number: '#1001',
    items: [
      { sku: 'TSHIRT-001', quantity: 2, options: [{ code: 'red' }, { code: 'xl' }] },
      { sku: 'MUG-002', options: [] },
      { quantity: 1 },
    ],
  },
}

describe('plain form', () => {
  test('fields are renamed as in Retrieve', async () => {
    const payload = { email: 'a@b.c', phone: '+49 1', sku: 'X' }
    expect(
      await mapped({ customer_email: 'email', customer_phone: 'phone', product_sku: 'sku' }, payload),
    ).toEqual({
      customer_email: 'a@b.c',
      customer_phone: '+49 1',
      product_sku: 'X',
    })
  })

  test('an absent source leaves the field out, a null stays null', async () => {
    expect(await mapped({ a: 'nowhere', b: 'nothing' }, { nothing: null })).toEqual({ b: null })
    expect(await mapped({ a: 'nowhere.at.all' }, {})).toEqual({})
  })

  test('paths go into objects and lists on both sides', async () => {
    expect(
      await mapped({ 'doc.lines[1].code': 'order.items[0].sku', 'doc.no': 'order.number' }, order),
    ).toEqual({
      doc: { lines: [null, { code: 'TSHIRT-001' }], no: '#1001' },
    })
  })

  test('the payload is never changed, though results share its parts', async () => {
    const before = structuredClone(order)
    const value = await mapped(
      {
        '': '',
        'order.number': { value: 'changed' },
        'order.items[].sku': { value: 'S' },
        'order.items[0].n': 'email',
      },
      order,
    )
    expect(order).toEqual(before)
    expect(value).toMatchObject({ email: order.email, order: { number: 'changed' } })
    expect(value).toHaveProperty('order.items[2]', { quantity: 1, sku: 'S' })
    expect(value).toHaveProperty('order.items[0].n', order.email)
  })

  test('the order in which rules are written does not matter', async () => {
    const rules: [string, string][] = [
      ['', 'order'],
      ['items', 'order.items'],
      ['items[].sku', 'order.items[].quantity'],
      ['items[0].sku', 'email'],
      ['number', 'currency'],
    ]
    const once = await mapped(Object.fromEntries(rules), order)
    expect(await mapped(Object.fromEntries(rules.toReversed()), order)).toEqual(once)
    expect(once).toMatchObject({
      number: 'EUR',
      items: [{ sku: order.email }, { sku: 'MUG-002' }, { sku: 1 }],
    })
  })
})

describe('lists', () => {
  test('rules for one list meet in the same elements, and a missing value leaves a gap in its element only', async () => {
    const mapping = { 'lines[].sku': 'order.items[].sku', 'lines[].qty': 'order.items[].quantity' }
    expect(await mapped(mapping, order)).toEqual({
      lines: [{ sku: 'TSHIRT-001', qty: 2 }, { sku: 'MUG-002' }, { qty: 1 }],
    })
  })

  test('an element without any value is still there, so that later ones keep their number', async () => {
    expect(await mapped({ 'lines[].sku': 'items[].sku' }, { items: [{}, { sku: 'B' }] })).toEqual({
      lines: [{}, { sku: 'B' }],
    })
  })

  test('lists within lists pair from the left', async () => {
    const payload = { orders: [{ items: [{ sku: 'a' }, { sku: 'b' }] }, {}, { items: [{ sku: 'c' }] }] }
    expect(await mapped({ 'docs[].lines[].code': 'orders[].items[].sku' }, payload)).toEqual({
      docs: [{ lines: [{ code: 'a' }, { code: 'b' }] }, {}, { lines: [{ code: 'c' }] }],
    })
  })

  test('a destination without [] gets the list of what is there, one with [] at the end keeps places', async () => {
    expect(await mapped({ skus: 'order.items[].sku', 'places[]': 'order.items[].sku' }, order)).toEqual({
      skus: ['TSHIRT-001', 'MUG-002'],
      places: ['TSHIRT-001', 'MUG-002', null],
    })
    const payload = { orders: [{ items: [{ sku: 'a' }] }, { items: [] }, {}] }
    expect(
      await mapped({ 'docs[].skus': 'orders[].items[].sku', all: 'orders[].items[].sku' }, payload),
    ).toEqual({
      docs: [{ skus: ['a'] }, { skus: [] }, {}],
      all: ['a'],
    })
  })

  test('an empty list gives an empty list, an absent one nothing', async () => {
    expect(
      await mapped(
        { 'a[].x': 'empty[].x', 'b[].x': 'absent[].x', c: 'absent[].x', d: 'empty[].x' },
        { empty: [] },
      ),
    ).toEqual({ a: [], d: [] })
  })

  test('a single value is read as a list of one, as XML writes it', async () => {
    const payload = { items: { item: { sku: 'A' } }, none: null }
    expect(await mapped({ 'lines[].sku': 'items.item[].sku', x: 'none[].a' }, payload)).toEqual({
      lines: [{ sku: 'A' }],
    })
  })

  test('[] at the end makes a list of a single value and leaves a list as it is', async () => {
    expect(await mapped({ 'a[]': 'one', 'b[]': 'many' }, { one: 'x', many: ['y', 'z'] })).toEqual({
      a: ['x'],
      b: ['y', 'z'],
    })
    expect(await mapped({ 'a[].b[]': 'list[].one' }, { list: [{ one: 1 }, {}] })).toEqual({
      a: [{ b: [1] }, {}],
    })
  })

  test('a value without list fills every element that other rules make', async () => {
    const mapping = {
      'lines[].currency': 'currency',
      'lines[].unit': { value: 'pcs' },
      'lines[].sku.code': 'order.items[].sku',
      'none[].currency': 'currency',
    }
    expect(await mapped(mapping, order)).toEqual({
      lines: [
        { sku: { code: 'TSHIRT-001' }, currency: 'EUR', unit: 'pcs' },
        { sku: { code: 'MUG-002' }, currency: 'EUR', unit: 'pcs' },
        { currency: 'EUR', unit: 'pcs' },
      ],
    })
  })

  test('each element of an outer list fills its own inner list', async () => {
    const payload = { orders: [{ no: 1, items: [{}, {}] }, { no: 2, items: [{}] }, { no: 3 }] }
    const mapping = { 'o[].lines[].sku': 'orders[].items[].sku', 'o[].lines[].no': 'orders[].no' }
    expect(await mapped(mapping, payload)).toEqual({
      o: [{ lines: [{ no: 1 }, { no: 1 }] }, { lines: [{ no: 2 }] }, {}],
    })
  })

  test('a payload that is a list is mapped element by element, unless the node says otherwise', async () => {
    const payload = [{ id: 1 }, {}, { id: 3 }]
    expect(await mapped({ no: 'id' }, payload)).toEqual([{ no: 1 }, {}, { no: 3 }])
    expect(await mapped({ 'rows[].no': '[].id' }, payload, { options: { each: false } })).toEqual({
      rows: [{ no: 1 }, {}, { no: 3 }],
    })
    expect(await mapped({ '[].no': 'list[].id' }, { list: payload })).toEqual([{ no: 1 }, {}, { no: 3 }])
  })
})

describe('$each', () => {
  const payload = {
    shop: 'S',
    orders: [
      {
        id: 7,
        items: [
          { sku: 'a', q: 1 },
          { sku: 'b', q: 0 },
        ],
      },
      { id: 8, items: [{ sku: 'c', q: 2 }] },
    ],
  }

  test('makes a list with rules of its own, which also reach the element around and the payload', async () => {
    const mapping = {
      docs: {
        $each: 'orders',
        fields: {
          id: 'id',
          lines: {
            $each: 'items',
            fields: { sku: 'sku', order: '$parent.id', shop: '$root.shop', r: '$request.ip' },
          },
        },
      },
    }
    expect(await mapped(mapping, payload, { request: { ip: '::1' } })).toEqual({
      docs: [
        {
          id: 7,
          lines: [
            { sku: 'a', order: 7, shop: 'S', r: '::1' },
            { sku: 'b', order: 7, shop: 'S', r: '::1' },
          ],
        },
        { id: 8, lines: [{ sku: 'c', order: 8, shop: 'S', r: '::1' }] },
      ],
    })
  })

  test('leaves out the elements for which where does not hold, and reads lists within lists as one', async () => {
    const mapping = {
      lines: { $each: 'orders[].items', where: { path: 'q', op: 'equals', value: 0 }, fields: { '': 'sku' } },
    } as const
    expect(await mapped(mapping, payload)).toEqual({ lines: ['b'] })
  })

  test('pairs with [] of the destination, and leaves out elements that come to nothing', async () => {
    const mapping = {
      'o[].skus': { $each: 'orders[].items', fields: { '': 'none' } },
      'o[].id': 'orders[].id',
    }
    expect(await mapped(mapping, payload)).toEqual({
      o: [
        { skus: [], id: 7 },
        { skus: [], id: 8 },
      ],
    })
  })

  test('a plain null element stays, one that is absent is left out', async () => {
    const payload = { list: [{ v: 1 }, { v: null }, {}] }
    expect(await mapped({ l: { $each: 'list', fields: { '': 'v' } } }, payload)).toEqual({ l: [1, null] })
  })

  test('an absent list takes the default or is refused where required', async () => {
    expect(
      await mapped({ a: { $each: 'no', fields: {}, default: [] }, b: { $each: 'no', fields: {} } }, {}),
    ).toEqual({
      a: [],
    })
    expect(await tryMapping({ a: { $each: 'no', fields: {}, required: true } }, {})).toMatchObject({
      ok: false,
      rule: 'a',
    })
  })
})

describe('names and keys', () => {
  test('$request, $event and $source are reached by name, fields of such a name by quotes', async () => {
    const mapping = {
      topic: '$request.headers["x-topic"]',
      id: '$event.id',
      shop: {
        from: '$source.sender',
        when: { path: '$source.name', op: 'equals' as const, value: 'shopify' },
      },
      other: { value: 1, when: { path: '$source.name', op: 'equals' as const, value: 'mollie' } },
      own: '["$request"].x',
      root: '$root.a',
    }
    const payload = { $request: { x: 'mine' }, a: 1 }
    const scope = {
      request: { headers: { 'x-topic': 'orders/create' } },
      event: { id: 'e1' },
      source: { name: 'shopify', sender: 'one.myshopify.com' },
    }
    expect(await mapped(mapping, payload, scope)).toEqual({
      topic: 'orders/create',
      id: 'e1',
      shop: 'one.myshopify.com',
      own: 'mine',
      root: 1,
    })
  })

  test('any key is reached and written by quoting it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 20 }),
        fc.string({ maxLength: 20 }),
        fc.jsonValue(),
        async (a, b, value) => {
          const payload: JsonObject = {}
          const inner: JsonObject = {}
          setKey(inner, b, value as Json)
          setKey(payload, a, inner)
          const text = `[${JSON.stringify(a)}][${JSON.stringify(b)}]`
          expect(await mapped({ [text]: text }, payload)).toEqual(payload)
        },
      ),
      {
        examples: [
          ['__proto__', 'constructor', 1],
          ['', '$request', null],
          ['a.b', '[]', { x: 1 }],
        ],
      },
    )
  })

  test('__proto__ is data on both sides and pollutes nothing', async () => {
    const payload = JSON.parse('{"__proto__": {"polluted": 1}}')
    const value = await mapped(
      JSON.parse('{"__proto__.polluted": "__proto__.polluted", "x.__proto__": "__proto__"}'),
      payload,
    )
    expect(JSON.stringify(value)).toBe('{"__proto__":{"polluted":1},"x":{"__proto__":{"polluted":1}}}')
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(await mapped({ a: 'toString', b: 'constructor.name' }, {})).toEqual({})
  })

  test('parallel rules stay aligned whatever is missing', async () => {
    const item = fc.record(
      { a: fc.integer(), b: fc.string(), c: fc.array(fc.record({ d: fc.nat() }, { requiredKeys: [] })) },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 8 }), async (items) => {
        const mapping = { 'out[].a': 'in[].a', 'out[].x.b': 'in[].b', 'out[].c[].d': 'in[].c[].d' }
        const expected = items.map(({ a, b, c }) => ({
          ...(a === undefined ? {} : { a }),
          ...(b === undefined ? {} : { x: { b } }),
          ...(c === undefined ? {} : { c }),
        }))
        expect(await mapped(mapping, { in: items as Json })).toEqual({ out: expected })
      }),
    )
  })
})
