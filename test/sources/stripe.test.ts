import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/stripe.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf, verdictOn } from './verdicts.ts'

const NOW = 1767225600
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const BODY =
  '{\n  "id": "evt_1",\n  "object": "event",\n  "created": 1767225590,\n  "type": "charge.refunded"\n}'

function digest(key = SECRET, body = BODY) {
  return createHmac('sha256', key).update(`${NOW}.${body}`).digest('hex')
}

function sent(signature = `t=${NOW},v1=${digest()}`, { now = NOW, body = BODY } = {}) {
  const headers = { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature }
  return messageOf({ headers, body, now })
}

const outcome = (message = sent(), more = {}) =>
  outcomeOf(preset, { secrets: [{ secret: SECRET }], ...more }, message)

describe('Stripe', () => {
  test('signs with the whole secret, which is not decoded', async () => {
    expect(await outcome()).toBe('proven')
    const decoded = Buffer.from(SECRET.slice(6), 'base64').toString('latin1')
    expect(await outcome(sent(`t=${NOW},v1=${digest(decoded)}`))).toBe('wrong_secret')
  })

  test('signs by two secrets while one is rolled; v0 is passed over', async () => {
    const wrong = digest('another')
    expect(await outcome(sent(`t=${NOW},v1=${wrong},v1=${digest()},v0=${wrong}`))).toBe('proven')
    const secrets = [
      { id: 'old', secret: 'another' },
      { id: 'new', secret: SECRET },
    ]
    expect(await verdictOn(preset, { secrets }, sent())).toMatchObject({
      proven: true,
      secret: { id: 'new' },
    })
  })

  test('is refused when it is old, and never for being ahead', async () => {
    expect(await outcome(sent(undefined, { now: NOW + 300 }))).toBe('proven')
    expect(await outcome(sent(undefined, { now: NOW + 301 }))).toBe('too_old: 301 s old')
    expect(await outcome(sent(undefined, { now: NOW - 86_400 }))).toBe('proven')
    const wide = { toleranceSeconds: 600 }
    expect(await outcome(sent(undefined, { now: NOW + 600 }), wide)).toBe('proven')
    expect(await outcome(sent(undefined, { now: NOW + 601 }), wide)).toBe('too_old: 601 s old')
  })

  test('is told to be old only where its signature is right', async () => {
    expect(await outcome(sent(`t=${NOW},v1=${digest('another')}`, { now: NOW + 999 }))).toBe('wrong_secret')
  })

  test.each([
    ['', 'malformed: Stripe-Signature has no single t=<Unix time>'],
    [digest(), 'malformed: Stripe-Signature has no single t=<Unix time>'],
    [`v1=${digest()}`, 'malformed: Stripe-Signature has no single t=<Unix time>'],
    [`t=${NOW},t=${NOW},v1=${digest()}`, 'malformed: Stripe-Signature has no single t=<Unix time>'],
    [`t=${NOW}x,v1=${digest()}`, 'malformed: Stripe-Signature has no single t=<Unix time>'],
    [`t=${NOW}`, 'malformed: Stripe-Signature has no signature'],
    [`t=${NOW},v0=${digest()}`, 'wrong_algorithm: Stripe-Signature has no signature v1'],
    [`t=${NOW},v2=${digest()}`, 'wrong_algorithm: Stripe-Signature has no signature v1'],
    [
      `t=${NOW},v1=${Buffer.from(digest(), 'hex').toString('base64')}`,
      'wrong_encoding: base64 instead of hex',
    ],
    [`t=${NOW},v1=${digest().toUpperCase()}`, 'wrong_encoding: upper-case hex instead of hex'],
    [`t=${NOW + 1},v1=${digest()}`, 'wrong_secret'],
  ])('with the signature %s is refused', async (signature, expected) => {
    expect(await outcome(sent(signature))).toBe(expected)
  })

  test('without a signature, with a changed body and outside of the times of its secrets is refused', async () => {
    expect(await outcome(messageOf({ body: BODY }))).toBe('header_missing: Stripe-Signature')
    expect(await outcome(sent(undefined, { body: JSON.stringify(JSON.parse(BODY)) }))).toBe(
      'body_changed: its JSON was written anew',
    )
    const of = (more: object) => ({ secrets: [{ id: 'one', secret: SECRET, ...more }] })
    const past = '2025-12-31T00:00:00Z'
    expect(await outcome(sent(), of({ retiresAt: past }))).toBe('secret_retired: one')
    expect(await outcome(sent(), of({ activeFrom: '2026-01-02T00:00:00Z' }))).toBe('secret_not_active: one')
    expect(await outcome(sent(`t=${NOW},v1=${digest('other')}`), of({ retiresAt: past }))).toBe(
      'no_active_secret',
    )
  })
})

test('an event of Stripe is known by its id, at a connected account too', () => {
  const [event] = eventsOf(preset, sent())
  expect(event?.identity).toEqual({
    topic: 'charge.refunded',
    deliveryId: null,
    eventId: 'evt_1',
    occurredAt: '2025-12-31T23:59:50.000Z',
    sender: null,
  })
  const again = sent('t=1,v1=x', { body: BODY.replace('1767225590', '1767225599') })
  expect(eventsOf(preset, again)[0]?.dedupeKey).toBe(event?.dedupeKey)
  const other = sent(undefined, { body: BODY.replace('evt_1', 'evt_2') })
  expect(eventsOf(preset, other)[0]?.dedupeKey).not.toBe(event?.dedupeKey)

  const thin = {
    id: 'evt_test_65',
    object: 'v2.core.event',
    type: 'v2.core.account.updated',
    created: '2026-01-01T00:00:00.500Z',
    context: 'acct_1',
  }
  expect(eventsOf(preset, sent('', { body: JSON.stringify(thin) }))[0]?.identity).toMatchObject({
    topic: 'v2.core.account.updated',
    occurredAt: '2026-01-01T00:00:00.500Z',
    sender: 'acct_1',
  })
  const connected = { id: 'evt_3', type: 'payout.paid', account: 'acct_2' }
  expect(eventsOf(preset, sent('', { body: JSON.stringify(connected) }))[0]?.identity.sender).toBe('acct_2')
})

test('the addresses that Stripe publishes are read, and nothing that is not a list of them', () => {
  const published = preset.publishedAddresses
  expect(published?.url).toBe('https://stripe.com/files/ips/ips_webhooks.json')
  expect(published?.read('{"WEBHOOKS":["3.18.12.63","2600:1f00::1"],"OTHER":1}')).toEqual([
    '3.18.12.63',
    '2600:1f00::1',
  ])
  for (const text of [
    '<html></html>',
    '[]',
    '{}',
    '{"WEBHOOKS":[]}',
    '{"WEBHOOKS":"3.18.12.63"}',
    '{"WEBHOOKS":["*"]}',
    '{"WEBHOOKS":["3.18.12.63","stripe.com"]}',
    '{"WEBHOOKS":["3.18.12.63",""]}',
    '{"API":["3.18.12.63"]}',
  ])
    expect(() => published?.read(text)).toThrow()
})
