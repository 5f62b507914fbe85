import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildRequest } from '../../src/http-request/request.ts'
import { createOutbound, type Outbound } from '../../src/outbound/outbound.ts'
import { type Json, parseExact } from '../../src/payload/exact-json.ts'
import { anyText } from '../world/any-text.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'
import { built as builtFrom, destination, FACTS } from './world.ts'

const REQUEST_FACTS = builtFrom(FACTS)

function built(rest: object, item: Json = { id: 1 }) {
  const result = buildRequest(destination(rest), item, REQUEST_FACTS)
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

  test('has the body and the content type of its template, where it has one', () => {
    const item = parseExact('{"id":98765432109876543210987,"name":"A \\"q\\" & <b>"}')
    const body = (template: string, contentType: string, language?: string) => {
      const request = built({ body: { template, contentType, ...(language && { language }) } }, item)
      return [request.headers['content-type'], request.body]
    }
    expect(body('{"no":{{ id }},"who":"{{ name }}"}', 'application/json')).toEqual([
      'application/json',
      '{"no":98765432109876543210987,"who":"A \\"q\\" & <b>"}',
    ])
    expect(body('<o id="{{ id }}">{{ name }}</o>', 'text/xml; charset=utf-8')).toEqual([
      'text/xml; charset=utf-8',
      '<o id="98765432109876543210987">A &quot;q&quot; &amp; &lt;b&gt;</o>',
    ])
    expect(body('who={{ name }}', 'application/x-www-form-urlencoded')[1]).toBe('who=A+%22q%22+%26+%3Cb%3E')
    expect(body('{{ id }};{{ name }}', 'text/csv')[1]).toBe('98765432109876543210987;A "q" & <b>')
    expect(body('{"who":"{{ name }}"}', 'application/x-ndjson', 'json')[1]).toBe('{"who":"A \\"q\\" & <b>"}')
  })

  test('leaves empty what an item does not have, where the operator asks for that', () => {
    const request = built({
      unknownFields: 'empty',
      url: 'https://erp.example/o/{{ none }}?q={{ none.deep }}',
      headers: { 'X-None': '<{{ none }}>' },
      body: { template: '{"a":{{ none }}}', contentType: 'application/json' },
    })
    expect(request).toMatchObject({ url: 'https://erp.example/o/?q=', body: '{"a":null}' })
    expect(request.headers['x-none']).toBe('<>')
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
      [{ body: { template: '{"a":{{ missing }}}', contentType: 'application/json' } }, {}],
      [{ body: { template: '{"a":{{ id }}', contentType: 'application/json' } }, { id: 1 }],
      [
        {
          auth: {
            kind: 'header',
            header: 'x-key',
            secrets: [{ secret: 'a', activeFrom: '2026-03-02T00:00:00Z' }],
          },
        },
        {},
      ],
      [{ format: 'form' }, [1]],
      [{ format: 'xml' }, { 'not a name': 1, b: 2 }],
    ]
    for (const [rest, item] of failures) {
      const result = buildRequest(destination(rest), item, REQUEST_FACTS)
      expect(result).toMatchObject({ ok: false, verdict: { verdict: 'dead', reason: 'unsendable' } })
    }
  })
})

describe('fields never choose where a push goes', () => {
  const nasty = fc.oneof(
    fc.string(),
    anyText(),
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
        const result = buildRequest(config, { a, b }, REQUEST_FACTS)
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
    ['text', '{"id":98765432109876543210987,"name":"ä"}'],
  ])('%s arrives exactly', async (format, expected) => {
    const item = parseExact('{"id":98765432109876543210987,"name":"ä"}')
    const auth = { kind: 'bearer', token: 'abc' }
    const config = destination({ url: `${receiver.url}/in/{{ id }}`, format, xmlRoot: 'order', auth })
    const result = buildRequest(config, item, REQUEST_FACTS)
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
