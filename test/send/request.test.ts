import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkDestination, type DestinationConfig } from '../../src/integrations/destination-config.ts'
import { createOutbound, type Outbound } from '../../src/outbound/outbound.ts'
import { type Json, parseExact } from '../../src/payload/exact-json.ts'
import { buildRequest } from '../../src/send/request.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'

const FACTS = { deliveryId: '0190a000-0000-7000-8000-00000000000d', attempt: 3, version: '1.2.3' }

function destination(rest: object = {}): DestinationConfig {
  const checked = checkDestination({ kind: 'http', url: 'https://erp.example/orders', ...rest })
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems))
  return checked.config
}

function built(rest: object, item: Json = { id: 1 }) {
  const result = buildRequest(destination(rest), item, FACTS)
  if (!result.ok) throw new Error(result.verdict.message)
  return { ...result.request, headers: Object.fromEntries(result.request.headers), hidden: result.hidden }
}

describe('a push', () => {
  test('says who it is, so that it can be recognised when it comes again', () => {
    expect(built({})).toMatchObject({
      method: 'POST',
      url: 'https://erp.example/orders',
      headers: {
        'user-agent': 'Sluice/1.2.3',
        'content-type': 'application/json',
        'idempotency-key': FACTS.deliveryId,
        'webhook-id': FACTS.deliveryId,
        'sluice-attempt': '3',
      },
      body: '{"id":1}',
      timeoutMs: { connect: 10_000, total: 30_000 },
    })
  })

  test('has the content type of its format, unless the operator chose another', () => {
    expect(built({ format: 'xml' }).headers['content-type']).toBe('application/xml; charset=utf-8')
    expect(built({ format: 'form' }).headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(built({ headers: { 'Content-Type': 'text/json' } }).headers['content-type']).toBe('text/json')
  })

  test.each(['GET', 'DELETE'])('by %s has no body and no content type', (method) => {
    const request = built({ method, url: 'https://erp.example/orders/{{ id }}' })
    expect(request).toMatchObject({ method, url: 'https://erp.example/orders/1' })
    expect(request).not.toHaveProperty('body')
    expect(request.headers).not.toHaveProperty('content-type')
  })

  test('fills fields into address and headers, with exact numbers', () => {
    const item = parseExact('{"order":{"id":123456789012345678901,"name":"a/b?c#d&e ä"}}')
    const request = built(
      {
        url: 'https://erp.example/o/{{ order.id }}/{{ order.name }}?q={{ order.name }}&fix=1',
        headers: { 'X-Order': 'no. {{ order.id }}' },
      },
      item,
    )
    const name = 'a%2Fb%3Fc%23d%26e%20%C3%A4'
    expect(request.url).toBe(`https://erp.example/o/123456789012345678901/${name}?q=${name}&fix=1`)
    expect(request.headers['x-order']).toBe('no. 123456789012345678901')
  })

  test('that cannot be built ends at once and says why', () => {
    const failures: [object, Json][] = [
      [{ url: 'https://erp.example/{{ missing }}' }, {}],
      [{ url: 'https://erp.example/{{ id }}' }, { id: 'a\nb' }],
      [{ url: 'https://erp.example/{{ id }}' }, { id: '..' }],
      [{ headers: { 'X-Id': '{{ id }}' } }, { id: 'a\r\nhost: evil.example' }],
      [{ headers: { 'X-Id': '{{ id }}' } }, { id: '漢' }],
      [{ format: 'form' }, [1]],
      [{ format: 'xml' }, { 'not a name': 1, b: 2 }],
    ]
    for (const [rest, item] of failures) {
      const result = buildRequest(destination(rest), item, FACTS)
      expect(result).toMatchObject({ ok: false, verdict: { verdict: 'dead', reason: 'unsendable' } })
    }
  })
})

describe('fields never choose where a push goes', () => {
  const nasty = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '@evil.example',
      '//evil.example',
      '\\\\evil.example',
      '/../..',
      '.evil.example',
      ':81',
      '?',
      '#',
      '%2f..',
    ),
  )

  test.each([
    'https://erp.example/{{ a }}',
    'https://erp.example/x{{ a }}?y={{ b }}#',
    'https://erp.example?{{ a }}={{ b }}',
  ])('%s', (template) => {
    const config = destination({ url: template.replace('#', '') })
    fc.assert(
      fc.property(nasty, nasty, (a, b) => {
        const result = buildRequest(config, { a, b }, FACTS)
        if (!result.ok) return
        const url = new URL(result.request.url)
        expect(url.origin).toBe('https://erp.example')
        expect(url.username + url.password + url.hash).toBe('')
        expect(url.pathname.split('/').length).toBe(2)
      }),
      { numRuns: 500 },
    )
  })
})

describe('auth', () => {
  test('basic, in UTF-8', () => {
    const request = built({ auth: { kind: 'basic', username: 'ä', password: 'p:w' } })
    expect(request.headers.authorization).toBe(`Basic ${Buffer.from('ä:p:w').toString('base64')}`)
  })

  test('bearer', () => {
    expect(built({ auth: { kind: 'bearer', token: 'abc' } }).headers.authorization).toBe('Bearer abc')
  })

  test('API key in a header', () => {
    const auth = { kind: 'apiKey', in: 'header', name: 'X-Key', value: 'abc' }
    expect(built({ auth }).headers['x-key']).toBe('abc')
  })

  test('API key in the query, beside what is there', () => {
    const auth = { kind: 'apiKey', in: 'query', name: 'key', value: 'a&b c' }
    expect(built({ auth }).url).toBe('https://erp.example/orders?key=a%26b%20c')
    expect(built({ auth, url: 'https://erp.example/?a=%7e+1' }).url).toBe(
      'https://erp.example/?a=%7e+1&key=a%26b%20c',
    )
  })

  test('none', () => {
    expect(built({}).headers).not.toHaveProperty('authorization')
  })
})

describe('over the wire', () => {
  let receiver: Receiver
  let outbound: Outbound
  beforeAll(async () => {
    receiver = await startReceiver()
    outbound = createOutbound({ allowed: [{ host: '127.0.0.1', port: receiver.port }], log: { warn() {} } })
  })
  afterAll(async () => {
    await outbound.close()
    await receiver.close()
  })

  test.each([
    ['json', '{"id":98765432109876543210987,"name":"ä"}'],
    [
      'xml',
      '<?xml version="1.0" encoding="UTF-8"?><order><id>98765432109876543210987</id><name>ä</name></order>',
    ],
    ['form', 'id=98765432109876543210987&name=%C3%A4'],
  ])('%s arrives exactly', async (format, expected) => {
    const item = parseExact('{"id":98765432109876543210987,"name":"ä"}')
    const auth = { kind: 'bearer', token: 'abc' }
    const config = destination({ url: `${receiver.url}/in/{{ id }}`, format, xmlRoot: 'order', auth })
    const result = buildRequest(config, item, FACTS)
    if (!result.ok) throw new Error(result.verdict.message)
    expect(await outbound.request(result.request)).toMatchObject({ ok: true, status: 200 })
    const received = receiver.requests.at(-1)
    expect(received?.body.toString()).toBe(expected)
    expect(received).toMatchObject({
      method: 'POST',
      url: '/in/98765432109876543210987',
      headers: {
        authorization: 'Bearer abc',
        'idempotency-key': FACTS.deliveryId,
        'webhook-id': FACTS.deliveryId,
        'sluice-attempt': '3',
        'user-agent': 'Sluice/1.2.3',
        'content-length': String(Buffer.byteLength(expected)),
      },
    })
  })
})
