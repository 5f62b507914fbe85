import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Json, parseExact } from '../../src/payload/exact-json.ts'
import { openSandbox, type TestSandbox } from './sandbox-world.ts'

let sandbox: TestSandbox
beforeAll(() => {
  sandbox = openSandbox()
})
afterAll(() => sandbox.close())

const file = (name: string) =>
  readFileSync(new URL(`../../rewrite-functions/${name}`, import.meta.url), 'utf8')
const SAMPLES = new URL('../../../shared/samples/', import.meta.url)
const hasSamples = existsSync(SAMPLES)
if (!hasSamples)
  console.warn('no ../shared/samples here: the templates run on the repository’s own bodies only')

const FLAT_ORDER = `{"id":820982911946154508,"email":"jon@example.com","order_number":1001,"total_price":"199.99",
  "currency":"EUR","name":"#1001"}`

describe('the example of Retrieve’s page, word for word', () => {
  const body = file('retrieve-webhook.js')

  test('on one flat Shopify order', async () => {
    const outcome = await sandbox.run(body, { payloadText: FLAT_ORDER })
    expect(outcome).toMatchObject({ ok: true, message: 'Processed 1 orders from webhook', log: [] })
    const [order, ...others] = JSON.parse((outcome.ok && outcome.data) || '[]')
    expect(others).toEqual([])
    expect(outcome).toMatchObject({ data: expect.stringContaining('"order_id":820982911946154508,') })
    expect(order).toMatchObject({
      order_number: 1001,
      customer_email: 'jon@example.com',
      total: 199.99,
      currency: 'EUR',
      source: 'webhook',
    })
    expect(new Date(order.webhook_received_at).toISOString()).toBe(order.webhook_received_at)
  })

  test('on an array of them, where an invalid one is logged with its digits and left out', async () => {
    const payloadText = `[${FLAT_ORDER},{"id":912345678901234567},${FLAT_ORDER}]`
    const outcome = await sandbox.run(body, { payloadText })
    expect(outcome).toMatchObject({
      ok: true,
      message: 'Processed 2 orders from webhook',
      log: [{ level: 'log', text: 'Invalid order data: {"id":912345678901234567}' }],
    })
  })

  test.runIf(hasSamples)('on the sample of 220 lines', async () => {
    const payloadText = readFileSync(new URL('shopify/orders-updated-many-lines.json', SAMPLES), 'utf8')
    const outcome = await sandbox.run(body, { payloadText })
    expect(outcome).toMatchObject({
      ok: true,
      data: expect.stringContaining('"order_id":820982911946154508'),
    })
  })
})

const SHOPIFY = `{"id":820982911946154508,"name":"#1001","created_at":"2026-01-19T23:59:58+01:00","currency":"EUR",
  "total_price":"38.10","total_tax":"6.61","financial_status":"paid","email":"","contact_email":"zoe@example.com",
  "total_shipping_price_set":{"shop_money":{"amount":"4.95","currency_code":"EUR"}},
  "customer":{"id":115310627314723954,"first_name":"Zoë","last_name":"Müller"},
  "shipping_address":{"first_name":"Zoë","last_name":"Müller","address1":"Straße 1","address2":"","zip":"10623",
    "city":"Berlin","country_code":"DE","province_code":null,"phone":null,"company":null},
  "line_items":[{"id":866550311766439020,"sku":"","name":"Kanne","quantity":2,"price":"3.95"}]}`

const SHOPIFY_RESULT = {
  order_id: 820982911946154508n,
  order_number: '#1001',
  placed_at: '2026-01-19T23:59:58+01:00',
  currency: 'EUR',
  total: '38.10',
  shipping: '4.95',
  tax: '6.61',
  paid: true,
  customer: { id: 115310627314723954n, email: 'zoe@example.com', name: 'Zoë Müller' },
  ship_to: {
    name: 'Zoë Müller',
    company: null,
    street: ['Straße 1'],
    postcode: '10623',
    city: 'Berlin',
    region: null,
    country: 'DE',
    phone: null,
  },
  lines: [{ line_id: 866550311766439020n, sku: null, title: 'Kanne', quantity: 2, unit_price: '3.95' }],
}

const WOOCOMMERCE = `{"id":727,"number":"727","status":"processing","currency":"USD","total":"29.35","total_tax":"1.35",
  "shipping_total":"10.00","date_created_gmt":"2026-03-22T19:28:02","date_paid_gmt":null,"customer_id":0,
  "billing":{"first_name":"John","last_name":"Doe","company":"","address_1":"1 Market","address_2":"Floor 2",
    "city":"San Francisco","state":"CA","postcode":"94103","country":"US","email":"john@example.com","phone":"555"},
  "shipping":{"first_name":"","last_name":"","address_1":""},
  "line_items":[{"id":315,"name":"Shirt","quantity":2,"sku":"Bar3","price":2.9999999999999996,
    "meta_data":[{"id":1,"key":"pa_color","value":"black"}]}]}`

const MAGENTO = `{"increment_id":"000000617","entity_id":"673","created_at":"2026-08-16 08:40:19","grand_total":409.6,
  "order_currency_code":"USD","shipping_amount":"5.0000","tax_amount":0,"state":"processing","customer_id":null,
  "customer_email":"roni@example.com","customer_firstname":"Veronica","customer_lastname":"Costello",
  "addresses":[{"address_type":"billing","city":"elsewhere"},{"address_type":"shipping","firstname":"Veronica",
    "lastname":"Costello","street":"6146 Honey Bluff\\nApt 9","city":"Calder","region":"Michigan",
    "postcode":"49628","country_id":"US","telephone":"555","company":""}],
  "items":[{"item_id":"998","sku":"A-1","name":"Bag","qty_ordered":"2.0000","price":505.75},
    {"item_id":"999","parent_item_id":"998","sku":"A-1","name":"Bag, inner","qty_ordered":1,"price":0}]}`

describe('the templates', () => {
  test('Shopify', async () => {
    const outcome = await sandbox.run(file('shopify-order.js'), { payloadText: SHOPIFY })
    expect(outcome).toMatchObject({ ok: true, message: '1 of 1 orders' })
    expect(dataOf(outcome)).toEqual([SHOPIFY_RESULT])
    const several = `[${SHOPIFY},{"test":true,"name":"#2"},${SHOPIFY}]`
    expect(await sandbox.run(file('shopify-order.js'), { payloadText: several })).toMatchObject({
      message: '2 of 3 orders',
      log: [{ text: 'order #2 is a test order and is left out' }],
    })
  })

  test('WooCommerce', async () => {
    const outcome = await sandbox.run(file('woocommerce-order.js'), { payloadText: WOOCOMMERCE })
    expect(dataOf(outcome)).toMatchObject([
      {
        order_id: 727,
        placed_at: '2026-03-22T19:28:02Z',
        total: '29.35',
        paid: false,
        customer: { id: null, email: 'john@example.com', name: 'John Doe' },
        ship_to: { street: ['1 Market', 'Floor 2'], phone: '555', region: 'CA' },
        lines: [{ unit_price: '2.9999999999999996', options: { pa_color: 'black' } }],
      },
    ])
  })

  test.each([
    ['as a module posts it', MAGENTO],
    ['in Adobe I/O’s envelope', `{"data":{"value":${MAGENTO}},"specversion":"1.0"}`],
  ])('Magento, %s', async (_name, payloadText) => {
    const outcome = await sandbox.run(file('magento-order.js'), { payloadText })
    expect(dataOf(outcome)).toEqual([
      {
        order_id: '673',
        order_number: '000000617',
        placed_at: '2026-08-16T08:40:19Z',
        currency: 'USD',
        total: '409.6',
        shipping: '5.0000',
        tax: '0',
        paid: true,
        customer: { id: null, email: 'roni@example.com', name: 'Veronica Costello' },
        ship_to: {
          name: 'Veronica Costello',
          company: null,
          street: ['6146 Honey Bluff', 'Apt 9'],
          postcode: '49628',
          city: 'Calder',
          region: 'Michigan',
          country: 'US',
          phone: '555',
        },
        lines: [{ line_id: '998', sku: 'A-1', title: 'Bag', quantity: 2, unit_price: '505.75' }],
      },
    ])
  })

  test.runIf(hasSamples).each([
    ['shopify-order.js', 'shopify/orders-create.json'],
    ['woocommerce-order.js', 'woocommerce/order-created.json'],
    ['woocommerce-order.js', 'woocommerce/order-updated-php-escaped.json'],
    ['magento-order.js', 'magento/adobe-io-order-save-commit-after.json'],
  ])('%s makes an order of the sample %s', async (template, sample) => {
    const payloadText = readFileSync(new URL(sample, SAMPLES), 'utf8')
    const outcome = await sandbox.run(file(template), { payloadText })
    expect(outcome).toMatchObject({ ok: true, message: '1 of 1 orders' })
    expect(dataOf(outcome)).toMatchObject([
      { order_id: expect.anything(), lines: expect.arrayContaining([expect.anything()]) },
    ])
  })
})

function dataOf(outcome: { ok: boolean; data?: string | undefined }): Json {
  return parseExact(outcome.data ?? 'null')
}
