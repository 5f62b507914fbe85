import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { isObject, type Json, stringifyExact } from '../../src/payload/exact-json.ts'
import { normalise } from '../../src/payload/normalise.ts'
import { processorMs } from '../world/processor-ms.ts'

const SAMPLES = path.join(import.meta.dirname, '../../../shared/samples')
const LIMITS = { depthMax: 100, keysMax: 100_000 }

const CONTENT_TYPES: Record<string, string> = {
  'magento/order-erp-iso-8859-1.xml': 'application/xml; charset=ISO-8859-1',
  'xml/pagseguro-transaction.xml': 'application/xml; charset=ISO-8859-1',
  'xml/shipstation-orders-utf-16.xml': 'application/xml; charset=utf-16',
  'xml/soap-salesforce-outbound-message.xml': 'text/xml; charset=utf-8',
  'xml/cxml-order-request.xml': 'text/xml',
}
const BY_ENDING: Record<string, string> = {
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.form': 'application/x-www-form-urlencoded',
}

function read(name: string, contentType = CONTENT_TYPES[name] ?? BY_ENDING[path.extname(name)]) {
  const body = readFileSync(path.join(SAMPLES, name))
  return normalise(body, contentType, { forceXml: false, alwaysList: [], limits: LIMITS })
}

function valueIn(name: string): Json {
  const result = read(name)
  if (!result.ok) throw new Error(`${name}: ${result.message}`)
  return result.value()
}

function answerTo(name: string): string {
  const result = read(name)
  return result.ok ? 'ok' : `${result.problem}: ${result.message}`
}

if (!existsSync(SAMPLES)) {
  console.warn('The shared samples are not here; the bodies under test/bodies stand for them.')
  test('without the shared samples, own bodies are used', () => {
    expect(readdirSync(path.join(import.meta.dirname, '../bodies')).length).toBeGreaterThan(5)
  })
} else {
  const names = readdirSync(SAMPLES, { recursive: true, encoding: 'utf8' }).filter(
    (name) => BY_ENDING[path.extname(name)],
  )

  describe('samples', () => {
    test.each(names.filter((name) => !name.startsWith('hostile/')))('%s', (name) => {
      const body = readFileSync(path.join(SAMPLES, name))
      const result = read(name)
      if (!result.ok) throw new Error(result.message)
      expect(isObject(result.value())).toBe(true)
      expect(JSON.parse(result.payload)).toBeTypeOf('object')
      const hasMark = body[0] === 0xef
      expect(result.isBody).toBe(name.endsWith('.json') && !hasMark)
      expect(stringifyExact(result.value())).not.toContain('\ufeff')
    })

    test('one of each kind says what it should', () => {
      expect(valueIn('shopify/orders-updated-many-lines.json')).toMatchObject({ id: expect.anything() })
      expect(valueIn('woocommerce/ping.form')).toEqual({ webhook_id: expect.stringMatching(/^[0-9]+$/) })
      expect(valueIn('xml/shipstation-orders-utf-16.xml')).toMatchObject({
        Orders: { Order: { OrderID: '123456', GiftMessage: '', OrderDate: '12/8/2011 21:56 PM' } },
      })
      expect(valueIn('xml/cxml-order-request.xml')).toMatchObject({ cXML: { Header: { Sender: {} } } })
      expect(valueIn('xml/soap-salesforce-outbound-message.xml')).toMatchObject({
        'soapenv:Envelope': { 'soapenv:Body': { notifications: { Notification: [{}, {}, {}] } } },
      })
      expect(valueIn('magento/order-erp-iso-8859-1.xml')).toMatchObject({
        sales_order: {
          increment_id: '000000617',
          customer: { lastname: 'Groß & Söhne', vat_id: '', company: '' },
          items: { item: [{}, { sku: '0012345', name: 'Café-Set € Sonderposten', options: '' }] },
          note: { '#text': '  erste Zeile\n  zweite Zeile  ' },
        },
      })
      expect(valueIn('xml/ubl-invoice-trivial.xml')).toMatchObject({
        Invoice: {
          'cac:LegalMonetaryTotal': { 'cbc:PayableAmount': { '@currencyID': 'CAD', '#text': '100.00' } },
        },
      })
    })
  })

  describe('hostile samples are answered as documented', () => {
    test('keys that mean something in JavaScript are plain data', () => {
      const value = valueIn('hostile/json-proto-keys.json')
      expect(isObject(value) && Object.hasOwn(value, '__proto__')).toBe(true)
      expect(({} as Record<string, unknown>).isAdmin).toBeUndefined()
    })

    test('odd but legal JSON is accepted, its text kept, its numbers exact', () => {
      const result = read('hostile/json-odd-but-legal.json')
      if (!result.ok) throw new Error(result.message)
      expect(result.isBody).toBe(true)
      const written = stringifyExact(result.value())
      for (const number of ['9007199254740993', '18446744073709551616'.slice(0, -1), '1e400', '1e2147483648'])
        expect(written).toContain(number)
    })

    test.each([
      ['json-depth-10000.json', /^too_deep: nested deeper than 100 levels \(line 1, column 101\)/],
      ['json-invalid-utf8-and-nul.json', /^unreadable: the body is not valid utf-8: byte [0-9]+ /],
      ['json-truncated.json', /^unreadable: the body is not valid utf-8: byte [0-9]+ /],
      ['xml-billion-laughs-small.xml', /^unreadable: .*internal subset/],
      ['xml-quadratic-blowup.xml', /^unreadable: .*internal subset/],
      ['xml-external-entity.xml', /^unreadable: .*internal subset/],
      ['xml-depth-10000.xml', /^too_deep: nested deeper than 100 levels/],
      ['xml-8000-attributes.xml', /^ok$/],
    ])('%s', (name, answer) => {
      expect(processorMs(() => expect(answerTo(`hostile/${name}`)).toMatch(answer))).toBeLessThan(1_000)
    })
  })
}
