import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { buildRequest } from '../../src/http-request/request.ts'
import { hmacHeaders, type Message, standardHeaders } from '../../src/http-request/sign.ts'
import type { Json } from '../../src/payload/exact-json.ts'
import { built as builtFrom, destination, FACTS } from '../send/world.ts'

const SECONDS = Math.floor(FACTS.sentAt.getTime() / 1_000)
const OLD = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const NEW = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

function headersOf(auth: object, item: Json = { n: 1 }, rest: object = {}, sentAt = FACTS.sentAt) {
  const built = buildRequest(destination({ auth, ...rest }), item, builtFrom({ ...FACTS, sentAt }))
  if (!built.ok) throw new Error(built.verdict.message)
  return Object.fromEntries(built.request.headers)
}

function hmac(algorithm: string, key: string | Buffer, ...parts: (string | Buffer)[]) {
  const made = createHmac(algorithm, key)
  for (const part of parts) made.update(part)
  return made
}

/** What a library for receivers does, made anew from the specification. */
function verifies(secret: string, headers: Record<string, string>, body: string): boolean {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const wanted = `v1,${hmac('sha256', key, signed).digest('base64')}`
  return (headers['webhook-signature'] ?? '').split(' ').includes(wanted)
}

describe('Standard Webhooks', () => {
  test('signs the published example as published', () => {
    // Source: standard-webhooks/standard-webhooks, libraries/javascript/src/webhook.test.ts, "sign function works".
    const message: Message = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      method: 'POST',
      url: 'https://erp.example/',
      body: '{"test": 2432232314}',
      sentAt: new Date(1_614_265_330_000),
    }
    expect(standardHeaders([OLD], message)).toEqual([
      ['webhook-timestamp', '1614265330'],
      ['webhook-signature', 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='],
    ])
  })

  test('the id is that of the delivery, the time that of the attempt', () => {
    const auth = { kind: 'standardWebhooks', secrets: [{ secret: OLD }] }
    const first = headersOf(auth)
    expect(first).toMatchObject({ 'webhook-id': FACTS.deliveryId, 'webhook-timestamp': String(SECONDS) })
    expect(verifies(OLD, first, '{"n":1}')).toBe(true)
    const later = headersOf(auth, { n: 1 }, {}, new Date(FACTS.sentAt.getTime() + 60_000))
    expect(later['webhook-id']).toBe(first['webhook-id'])
    expect(later['webhook-signature']).not.toBe(first['webhook-signature'])
    expect(verifies(OLD, later, '{"n":1}')).toBe(true)
  })

  test('every active secret signs, so that a receiver may know the old or the new one', () => {
    const secrets = [
      { secret: OLD, retiresAt: '2026-03-02T00:00:00Z' },
      { secret: NEW, activeFrom: '2026-02-28T00:00:00Z' },
    ]
    const both = headersOf({ kind: 'standardWebhooks', secrets })
    expect(both['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/)
    expect([OLD, NEW].map((secret) => verifies(secret, both, '{"n":1}'))).toEqual([true, true])
    const early = headersOf(
      { kind: 'standardWebhooks', secrets },
      { n: 1 },
      {},
      new Date('2026-02-27T00:00:00Z'),
    )
    expect([OLD, NEW].map((secret) => verifies(secret, early, '{"n":1}'))).toEqual([true, false])
    const late = headersOf(
      { kind: 'standardWebhooks', secrets },
      { n: 1 },
      {},
      new Date('2026-03-02T00:00:00Z'),
    )
    expect([OLD, NEW].map((secret) => verifies(secret, late, '{"n":1}'))).toEqual([false, true])
  })

  test('a request without a body is signed as an empty one', () => {
    const headers = headersOf(
      { kind: 'standardWebhooks', secrets: [{ secret: OLD }] },
      {},
      { method: 'DELETE' },
    )
    expect(verifies(OLD, headers, '')).toBe(true)
  })
})

describe('HMAC', () => {
  const secrets = [{ secret: 'hush' }]

  test('by default is SHA-256 in hex over the body', () => {
    const headers = headersOf({ kind: 'hmac', header: 'X-Signature', secrets })
    expect(headers['x-signature']).toBe(hmac('sha256', 'hush', '{"n":1}').digest('hex'))
  })

  test.each(['sha1', 'sha256', 'sha384', 'sha512'])(
    '%s, in each encoding, behind its prefix',
    (algorithm) => {
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        const auth = { kind: 'hmac', header: 'x-s', secrets, algorithm, encoding, prefix: `${algorithm}=` }
        expect(headersOf(auth)['x-s']).toBe(
          `${algorithm}=${hmac(algorithm, 'hush', '{"n":1}').digest(encoding)}`,
        )
      }
    },
  )

  test('over the text that the destination asks for, with what is really sent', () => {
    const auth = {
      kind: 'hmac',
      header: 'x-s',
      signedText: '{method}\n{url}\n{id}.{timestamp}.{body}',
      timestampHeader: 'X-Time',
      secrets,
    }
    const headers = headersOf(
      auth,
      { n: 1, q: 'ä b' },
      { method: 'PUT', url: 'https://erp.example/o?q={{ q }}' },
    )
    const signed = `PUT\nhttps://erp.example/o?q=%C3%A4%20b\n${FACTS.deliveryId}.${SECONDS}.{"n":1,"q":"ä b"}`
    expect(headers['x-s']).toBe(hmac('sha256', 'hush', signed).digest('hex'))
    expect(headers['x-time']).toBe(String(SECONDS))
  })

  test.each([
    ['seconds', String(SECONDS)],
    ['milliseconds', String(FACTS.sentAt.getTime())],
    ['iso', '2026-03-01T12:00:00.123Z'],
  ])('with the time in %s', (timestampFormat, written) => {
    const auth = {
      kind: 'hmac',
      header: 'x-s',
      signedText: '{timestamp}',
      timestampHeader: 'x-t',
      timestampFormat,
      secrets,
    }
    const headers = headersOf(auth)
    expect(headers['x-t']).toBe(written)
    expect(headers['x-s']).toBe(hmac('sha256', 'hush', written).digest('hex'))
  })

  test('with time and signature in one header, as Stripe does', () => {
    const auth = {
      kind: 'hmac',
      header: 'x-s',
      prefix: 't={timestamp},v1=',
      signedText: '{timestamp}.{body}',
      secrets,
    }
    const wanted = hmac('sha256', 'hush', `${SECONDS}.{"n":1}`).digest('hex')
    expect(headersOf(auth)['x-s']).toBe(`t=${SECONDS},v1=${wanted}`)
  })

  test('what a field of the signed text holds is not taken for a field', () => {
    const auth = { kind: 'hmac', header: 'x-s', signedText: '{body}{id}', secrets }
    const headers = headersOf(auth, { a: '{id}{timestamp}' })
    expect(headers['x-s']).toBe(
      hmac('sha256', 'hush', `{"a":"{id}{timestamp}"}${FACTS.deliveryId}`).digest('hex'),
    )
  })

  test('signs bytes, also those that are no text', () => {
    const body = Buffer.from([0, 255, 254, 10])
    const { auth } = destination({ auth: { kind: 'hmac', header: 'x-s', signedText: 'x{body}', secrets } })
    if (auth.kind !== 'hmac') throw new Error(auth.kind)
    const message: Message = {
      id: 'i',
      method: 'POST',
      url: 'https://erp.example/',
      body,
      sentAt: FACTS.sentAt,
    }
    expect(hmacHeaders(auth, 'hush', message)).toEqual([
      ['x-s', hmac('sha256', 'hush', 'x', body).digest('hex')],
    ])
  })

  test.each(['hex', 'base64'] as const)('with a key written in %s', (secretEncoding) => {
    const key = Buffer.from([0, 1, 254, 255])
    const auth = {
      kind: 'hmac',
      header: 'x-s',
      secretEncoding,
      secrets: [{ secret: key.toString(secretEncoding) }],
    }
    expect(headersOf(auth)['x-s']).toBe(hmac('sha256', key, '{"n":1}').digest('hex'))
  })

  test('by the newest secret that is active', () => {
    const renewed = [
      { secret: 'next', activeFrom: '2026-03-02T00:00:00Z' },
      { secret: 'current', activeFrom: '2026-02-01T00:00:00+01:00' },
      { secret: 'old' },
      { secret: 'gone', activeFrom: '2026-02-15T00:00:00Z', retiresAt: '2026-02-16T00:00:00Z' },
    ]
    const signer = (sentAt: string) => {
      const found = headersOf(
        { kind: 'hmac', header: 'x-s', secrets: renewed },
        { n: 1 },
        {},
        new Date(sentAt),
      )
      return renewed.find(({ secret }) => hmac('sha256', secret, '{"n":1}').digest('hex') === found['x-s'])
        ?.secret
    }
    expect(signer('2026-01-01T00:00:00Z')).toBe('old')
    expect(signer('2026-01-31T23:00:00Z')).toBe('current')
    expect(signer('2026-02-15T12:00:00Z')).toBe('gone')
    expect(signer('2026-03-01T00:00:00Z')).toBe('current')
    expect(signer('2026-03-02T00:00:00Z')).toBe('next')
  })
})

test('a secret header carries the newest secret that is active', () => {
  const secrets = [{ secret: 'old' }, { secret: 'next', activeFrom: '2026-03-02T00:00:00Z' }]
  const auth = { kind: 'header', header: 'X-Shop-Key', secrets }
  expect(headersOf(auth)['x-shop-key']).toBe('old')
  expect(headersOf(auth, {}, {}, new Date('2026-03-02T00:00:00Z'))['x-shop-key']).toBe('next')
})
