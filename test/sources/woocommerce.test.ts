import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/woocommerce.ts'
import { eventsOf, type GivenMessage, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const SECRET = 'o4&t<zT$K"9\'xY'
const BODY = '{"id":727,"status":"processing"}'
const HEADERS = {
  'content-type': 'application/json',
  'X-WC-Webhook-Source': 'https://shop.example.com/',
  'X-WC-Webhook-Topic': 'order.created',
  'X-WC-Webhook-ID': '142',
  'X-WC-Webhook-Delivery-ID': '6a9c5e1ed0e8c5bd1f3ee9a3aa0f4a3b',
}

const event = (changed: Record<string, string> = {}, body = BODY) =>
  eventsOf(preset, messageOf({ headers: { ...HEADERS, ...changed }, body }))[0]
const keyOf = (...given: Parameters<typeof event>) => event(...given)?.dedupeKey

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const [ping] = preset.handshakes
const isPing = (given: GivenMessage) => ping?.answer(messageOf(given)) !== undefined

describe('an event of WooCommerce', () => {
  test('is known by its headers', () => {
    expect(event()?.identity).toEqual({
      topic: 'order.created',
      deliveryId: '6a9c5e1ed0e8c5bd1f3ee9a3aa0f4a3b',
      eventId: null,
      occurredAt: null,
      sender: 'https://shop.example.com/',
    })
  })

  test('is the same only with the same bytes: two orders of one second have one delivery id', () => {
    expect(keyOf({}, BODY.replace('727', '728'))).not.toBe(keyOf())
    expect(keyOf()).toBe(keyOf({ 'X-WC-Webhook-Topic': 'order.updated' }))
  })

  test('is another for another webhook, or at another time', () => {
    expect(keyOf({ 'X-WC-Webhook-ID': '143' })).not.toBe(keyOf())
    expect(keyOf({ 'X-WC-Webhook-Delivery-ID': 'another' })).not.toBe(keyOf())
    expect(keyOf({ 'X-WC-Webhook-Delivery-ID': '' })).toBeNull()
  })
})

describe('the ping of WooCommerce', () => {
  test('is answered as it comes: unsigned, and a form of one number', () => {
    expect(ping).toMatchObject({ method: 'POST', asked: 'before proof' })
    expect(ping?.answer(messageOf({ headers: form, body: 'webhook_id=142' }))).toEqual({})
    const charset = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' }
    expect(isPing({ headers: charset, body: 'webhook_id=1' })).toBe(true)
  })

  test('is nothing that could be an event', () => {
    expect(isPing({ headers: form, body: 'webhook_id=142&id=7' })).toBe(false)
    expect(isPing({ headers: form, body: 'webhook_id=' })).toBe(false)
    expect(isPing({ headers: form, body: `webhook_id=${'1'.repeat(30)}` })).toBe(false)
    expect(isPing({ headers: form, body: '\nwebhook_id=142' })).toBe(false)
    expect(isPing({ headers: form, body: 'webhook_id=142\n' })).toBe(false)
    expect(isPing({ headers: { 'content-type': 'application/json' }, body: 'webhook_id=142' })).toBe(false)
    expect(isPing({ body: 'webhook_id=142' })).toBe(false)
    const signed = { ...form, 'X-WC-Webhook-Signature': 'x' }
    expect(isPing({ headers: signed, body: 'webhook_id=142' })).toBe(false)
    const named = { ...form, 'X-WC-Webhook-Topic': 'order.created' }
    expect(isPing({ headers: named, body: 'webhook_id=142' })).toBe(false)
  })
})

test('WooCommerce signs with the algorithm that is configured, and its signature does not choose it', async () => {
  const secrets = [{ secret: SECRET }]
  function signed(algorithm: string) {
    const digest = createHmac(algorithm, SECRET).update(BODY).digest('base64')
    return messageOf({ headers: { ...HEADERS, 'X-WC-Webhook-Signature': digest }, body: BODY })
  }
  expect(await outcomeOf(preset, { secrets }, signed('sha256'))).toBe('proven')
  expect(await outcomeOf(preset, { secrets, algorithm: 'sha512' }, signed('sha512'))).toBe('proven')
  expect(await outcomeOf(preset, { secrets }, signed('sha512'))).toBe('wrong_secret')
  expect(await outcomeOf(preset, { secrets, algorithm: 'sha512' }, signed('sha256'))).toBe('wrong_secret')
  expect(await outcomeOf(preset, { secrets }, messageOf({ headers: HEADERS, body: BODY }))).toBe(
    'header_missing: X-WC-Webhook-Signature',
  )
})
