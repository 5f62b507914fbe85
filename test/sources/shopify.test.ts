import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/shopify.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const SECRET = 'shpss_0123456789abcdef'
const BODY = '{"id":820982911946154508,"name":"#1001"}'
const CLASSIC = {
  'content-type': 'application/json',
  'X-Shopify-Topic': 'orders/create',
  'X-Shopify-Shop-Domain': 'demo-shop.myshopify.com',
  'X-Shopify-Webhook-Id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
  'X-Shopify-Event-Id': '98880550-7158-44d4-b7cd-2c97c8a091b5',
  'X-Shopify-Triggered-At': '2026-01-01T00:00:00.123456789Z',
}

const event = (changed: Record<string, string> = {}, body = BODY) =>
  eventsOf(preset, messageOf({ headers: { ...CLASSIC, ...changed }, body }))[0]
const keyOf = (...given: Parameters<typeof event>) => event(...given)?.dedupeKey

function signed(secret: string, headers: Record<string, string> = {}) {
  const digest = createHmac('sha256', secret).update(BODY).digest('base64')
  return messageOf({ headers: { 'X-Shopify-Hmac-Sha256': digest, ...headers }, body: BODY })
}

describe('an event of Shopify', () => {
  test('is known by its headers', () => {
    expect(event()?.identity).toEqual({
      topic: 'orders/create',
      deliveryId: 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
      eventId: '98880550-7158-44d4-b7cd-2c97c8a091b5',
      occurredAt: '2026-01-01T00:00:00.123Z',
      sender: 'demo-shop.myshopify.com',
    })
  })

  test('is known by the newer headers where both kinds are there', () => {
    const newer = {
      'Shopify-Topic': 'orders/updated',
      'Shopify-Shop-Domain': 'new.myshopify.com',
      'Shopify-Event-Id': 'new',
    }
    expect(event(newer)?.identity).toMatchObject({
      topic: 'orders/updated',
      sender: 'new.myshopify.com',
      eventId: 'new',
    })
  })

  test('is the same when it is sent again, by whatever delivery and with whatever bytes', () => {
    expect(keyOf({ 'X-Shopify-Webhook-Id': 'another' }, '{}')).toBe(keyOf())
  })

  test('is another with another topic or shop, though its event id is the same', () => {
    expect(keyOf({ 'X-Shopify-Topic': 'orders/paid' })).not.toBe(keyOf())
    expect(keyOf({ 'X-Shopify-Shop-Domain': 'other.myshopify.com' })).not.toBe(keyOf())
    expect(keyOf({ 'X-Shopify-Event-Id': 'other' })).not.toBe(keyOf())
  })

  test('is told apart by its delivery where it has no event id, and by nothing without both', () => {
    const without = { 'X-Shopify-Event-Id': '' }
    expect(keyOf(without)).toBe(keyOf(without, '{}'))
    expect(keyOf({ ...without, 'X-Shopify-Webhook-Id': 'another' })).not.toBe(keyOf(without))
    expect(keyOf({ ...without, 'X-Shopify-Webhook-Id': '' })).toBeNull()
  })
})

describe('a secret of Shopify', () => {
  test('is said to be of the app or of the admin, so that the operator sees which was mixed up', async () => {
    const secrets = [{ secret: SECRET }]
    expect(await outcomeOf(preset, { secrets }, signed(SECRET))).toBe('proven')
    expect(await outcomeOf(preset, { secrets }, signed('key of the admin'))).toBe(
      'wrong_secret: the secret is said to be that of the app, see "signedWith"',
    )
    expect(await outcomeOf(preset, { secrets, signedWith: 'admin' }, signed('of the app'))).toBe(
      'wrong_secret: the secret is said to be that of the admin, see "signedWith"',
    )
  })

  test('is not asked where there is no signature', async () => {
    const unsigned = messageOf({ headers: CLASSIC, body: BODY })
    expect(await outcomeOf(preset, { secrets: [{ secret: SECRET }] }, unsigned)).toBe(
      'header_missing: X-Shopify-Hmac-Sha256',
    )
  })
})
