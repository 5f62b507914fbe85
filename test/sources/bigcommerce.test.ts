import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/bigcommerce.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const NOW = 1767225600
const SECRET = 'bc_client_secret_0a1b2c3d4e5f'

const order = {
  store_id: '11111',
  producer: 'stores/abcde',
  scope: 'store/order/statusUpdated',
  data: { type: 'order', id: 173331 },
  hash: '3f9ea420af83450d7ef9f78b08c8af25b2213637',
  created_at: NOW,
}

function sent({ id = 'msg_1', key = SECRET, now = NOW, value = order as object, prefix = 'webhook-' } = {}) {
  const body = JSON.stringify(value)
  const digest = createHmac('sha256', key).update(`${id}.${NOW}.${body}`).digest('base64')
  const headers = {
    'content-type': 'application/json',
    [`${prefix}id`]: id,
    [`${prefix}timestamp`]: String(NOW),
    [`${prefix}signature`]: `v1,${digest}`,
  }
  return messageOf({ headers, body, now })
}

const outcome = (message = sent(), secret = SECRET) => outcomeOf(preset, { secrets: [{ secret }] }, message)

test('BigCommerce signs with the bytes of the client secret as it is written', async () => {
  // Each of these would be another key where Standard Webhooks reads it.
  for (const secret of [
    SECRET,
    'aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ=',
    'whsec_aGVsbG8=',
    `whpk_${'A'.repeat(43)}=`,
  ])
    expect(await outcome(sent({ key: secret }), secret)).toBe('proven')
  expect(await outcome(sent({ key: 'another' }))).toBe('wrong_secret')
})

test('BigCommerce has the tolerance and the headers of Standard Webhooks', async () => {
  expect(await outcome(sent({ now: NOW + 301 }))).toBe('too_old: 301 s old')
  expect(await outcome(sent({ now: NOW - 301 }))).toBe('too_new: 301 s ahead')
  expect(await outcome(sent({ prefix: 'svix-' }))).toBe('header_missing: webhook-signature')
  const wide = { secrets: [{ secret: SECRET }], toleranceSeconds: 301 }
  expect(await outcomeOf(preset, wide, sent({ now: NOW + 301 }))).toBe('proven')
})

test('BigCommerce gets no body, whatever the answer', () => {
  expect(preset.replies).toEqual({ accepted: { status: 200, body: '' }, refused: 'nothing' })
})

test('an event of BigCommerce is known by its scope, store, hash and time', () => {
  expect(eventsOf(preset, sent())[0]?.identity).toEqual({
    topic: 'store/order/statusUpdated',
    deliveryId: 'msg_1',
    eventId: order.hash,
    occurredAt: '2026-01-01T00:00:00.000Z',
    sender: 'stores/abcde',
  })
})

test('an event that fires twice is one, and a second change of the same order is another', () => {
  const keyOf = (given: Parameters<typeof sent>[0]) => eventsOf(preset, sent(given))[0]?.dedupeKey
  const first = keyOf({})
  expect(keyOf({ id: 'msg_2' })).toBe(first)
  expect(keyOf({ id: 'msg_2', value: { ...order, created_at: NOW + 60 } })).not.toBe(first)
  expect(keyOf({ value: { ...order, scope: 'store/order/updated' } })).not.toBe(first)
  expect(keyOf({ value: { ...order, producer: 'stores/other' } })).not.toBe(first)
  const { created_at: _, ...timeless } = order
  expect(keyOf({ value: timeless })).toBe(keyOf({ value: { ...timeless, hash: 'another' } }))
  expect(keyOf({ value: timeless })).not.toBe(keyOf({ id: 'msg_2', value: timeless }))
})
