import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/square.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const SECRET = 'asdf1234'
const URL = 'https://hooks.example.com/integration/abc?shop=1'
const BODY =
  '{"merchant_id":"M1","type":"order.created","event_id":"13b867cf-db3d-4b1c-90b6-2f32a9d78124","created_at":"2026-01-01T00:00:00Z","data":{}}'

function digest({ key = SECRET, url = URL, body = BODY, encoding = 'base64' as 'base64' | 'hex' } = {}) {
  return createHmac('sha256', key).update(url).update(body).digest(encoding)
}

function sent({ signature = digest(), url = URL, body = BODY } = {}) {
  const headers = { 'content-type': 'application/json', 'x-square-hmacsha256-signature': signature }
  return messageOf({ headers, body, url })
}

const outcome = (message = sent(), more = {}) =>
  outcomeOf(preset, { secrets: [{ id: 'one', secret: SECRET, ...more }] }, message)

test('Square signs the notification URL with its query, and then the body', async () => {
  expect(await outcome()).toBe('proven')
  for (const url of [
    URL.replace('?shop=1', ''),
    `${URL}&x`,
    URL.replace('https', 'http'),
    URL.replace('abc', 'abd'),
  ])
    expect(await outcome(sent({ url }))).toMatch(/^wrong_secret: .*publicUrl/)
  expect(preset.proof?.covers).toMatchObject({ body: 'bytes', url: true })
})

test('Square is refused for every fault, by its name', async () => {
  expect(await outcome(messageOf({ body: BODY, url: URL }))).toBe(
    'header_missing: x-square-hmacsha256-signature',
  )
  // The older header is HMAC-SHA1.
  const sha1 = createHmac('sha1', SECRET).update(URL).update(BODY).digest('base64')
  expect(await outcome(messageOf({ headers: { 'x-square-signature': sha1 }, body: BODY, url: URL }))).toBe(
    'header_missing: x-square-hmacsha256-signature',
  )
  expect(await outcome(sent({ signature: digest({ key: 'other' }) }))).toMatch(/^wrong_secret/)
  expect(await outcome(sent({ signature: digest({ encoding: 'hex' }) }))).toBe(
    'wrong_encoding: hex instead of base64',
  )
  const changed = sent({ body: JSON.stringify(JSON.parse(BODY), null, 2) })
  expect(await outcome(changed)).toBe('body_changed: its JSON was written anew')
  const past = '2025-12-31T00:00:00Z'
  expect(await outcome(sent(), { retiresAt: past })).toBe('secret_retired: one')
  expect(await outcome(sent(), { activeFrom: '2026-01-02T00:00:00Z' })).toBe('secret_not_active: one')
  expect(await outcome(sent({ signature: digest({ key: 'other' }) }), { retiresAt: past })).toBe(
    'no_active_secret',
  )
})

test('an event of Square is known by its event id at every attempt', () => {
  const [event] = eventsOf(preset, sent())
  expect(event?.identity).toEqual({
    topic: 'order.created',
    deliveryId: null,
    eventId: '13b867cf-db3d-4b1c-90b6-2f32a9d78124',
    occurredAt: '2026-01-01T00:00:00.000Z',
    sender: 'M1',
  })
  const again = sent({ body: BODY.replace('"data":{}', '"data":{"id":"x"}') })
  expect(eventsOf(preset, again)[0]?.dedupeKey).toBe(event?.dedupeKey)
  const other = sent({ body: BODY.replace('13b867cf', '23b867cf') })
  expect(eventsOf(preset, other)[0]?.dedupeKey).not.toBe(event?.dedupeKey)
})
