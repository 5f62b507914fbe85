import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import { type NormalisedBody, normalise } from '../../src/payload/normalise.ts'

const BODIES = path.join(import.meta.dirname, '../bodies')

function body(name: string): Buffer {
  return readFileSync(path.join(BODIES, name))
}

function read(name: string, contentType: string, alwaysList: string[] = []): NormalisedBody {
  const limits = { depthMax: 100, keysMax: 100_000 }
  const result = normalise(body(name), contentType, { forceXml: false, alwaysList, limits })
  if (!result.ok) throw new Error(result.message)
  return result
}

test('a Shopify order keeps its bytes and its 18-digit ids', () => {
  const order = read('shopify-order.json', 'application/json')
  expect(order.isBody).toBe(true)
  expect(Buffer.from(order.payload).equals(body('shopify-order.json'))).toBe(true)
  expect(order.value()).toMatchObject({ id: 820982911946154508n, customer: { id: 115310627314723954n } })
  expect(stringifyExact(order.value())).toContain('"id":820982911946154508,')
})

test('a WooCommerce order keeps the spelling of PHP', () => {
  const order = read('woocommerce-order.json', 'application/json')
  expect(order.payload).toContain('x\\/y')
  expect(order.value()).toMatchObject({
    customer_note: 'Café 😀 \u0000 end',
    meta_data: [{}, { value: { fee: 0.30000000000000004 } }],
  })
})

test('Retrieve’s order reads alike from JSON and XML, but for numbers', () => {
  const json = read('retrieve-order.json', 'application/json').value()
  const xml = read('retrieve-order.xml', 'application/xml', ['webhook.order.items.item']).value()
  expect(json).toMatchObject({ order: { id: 123456, items: [{ sku: 'TSHIRT-001', quantity: 2 }] } })
  expect(xml).toEqual({
    webhook: {
      event: 'order.created',
      order: {
        id: '123456',
        order_number: '#1001',
        email: 'customer@example.com',
        total_price: '99.99',
        items: { item: [{ sku: 'TSHIRT-001', quantity: '2' }] },
      },
    },
  })
})

test('an ERP’s order in Latin-1, with all that XML has', () => {
  const expected = {
    auftrag: {
      '@xmlns:x': 'urn:example:x',
      '@nr': '000042',
      '@x:kanal': 'Web "DE"',
      kunde: { '@gast': 'ja', name: 'Müller & Söhne', notiz: '<b>Größe</b> & Farbe', firma: '' },
      position: [
        { sku: '0012345', preis: { '@w': 'EUR', '#text': '5.00' } },
        { sku: '04107', preis: { '@w': 'EUR', '#text': '1e3' }, name: 'Café €' },
      ],
      hinweis: { '#text': 'Bitte  liefern', b: 'vor 12' },
      adresse: { '@xml:space': 'preserve', '#text': ' Zeile 1\n Zeile 2 ' },
    },
  }
  expect(read('erp-order-latin-1.xml', 'application/xml; charset=ISO-8859-1').value()).toEqual(expected)
  expect(read('erp-order-latin-1.xml', 'application/xml').value()).toEqual(expected)
})

test('orders in UTF-16, with and without byte order mark', () => {
  const expected = { Orders: { Order: { OrderID: '1001', Name: 'Zoë 𝄞', Total: '-4.50', Gift: '' } } }
  expect(read('orders-utf-16.xml', 'application/xml; charset=utf-16').value()).toEqual(expected)
  expect(read('orders-utf-16.xml', 'application/xml').value()).toEqual(expected)
  expect(read('orders-utf-16-no-mark.xml', 'text/xml').value()).toEqual(expected)
})

test('a cXML order with its external DTD, which is not fetched', () => {
  expect(read('cxml-order.xml', 'text/xml').value()).toMatchObject({
    cXML: {
      '@xml:lang': 'en-US',
      Request: {
        OrderRequest: {
          OrderRequestHeader: {
            '@orderID': 'PO-1',
            Total: { Money: { '@currency': 'EUR', '#text': '12.34' } },
            ShipTo: { DeliverTo: ['Ada Byron', 'Dock 4'] },
          },
        },
      },
    },
  })
})

test('forms: payload=<json> and PHP’s nested names', () => {
  const type = 'application/x-www-form-urlencoded'
  expect(read('github-payload.form', type).payload).toBe(
    '{"action":"opened","number":9007199254740993,"title":"a b é"}',
  )
  expect(read('nested.form', type).value()).toEqual({
    event: 'order.created',
    order: { id: '7', items: [{ sku: 'A' }, { sku: 'B & C' }] },
    tags: ['x', 'y'],
    note: '',
  })
})

test('all JSON bodies come out of exact reading as they went in', () => {
  for (const name of ['shopify-order.json', 'woocommerce-order.json', 'retrieve-order.json']) {
    const value = read(name, 'application/json').value()
    expect(stringifyExact(parseExact(stringifyExact(value)))).toBe(stringifyExact(value))
  }
})
