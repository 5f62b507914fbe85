import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { presetOf } from '../../src/sources/sources.ts'
import { handshakeIn } from './handshakes.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const preset = presetOf('xero')
const KEY = 'webhooks key/+=='

const EVENT = {
  resourceUrl: 'https://api.xero.com/api.xro/2.0/Contacts/717f2bfc',
  resourceId: '717f2bfc',
  eventDateUtc: '2026-01-01T01:15:39.902',
  eventType: 'UPDATE',
  eventCategory: 'CONTACT',
  tenantId: 'c2cc9b6e',
  tenantType: 'ORGANISATION',
}
const bodyOf = (events: unknown) =>
  JSON.stringify({ events, firstEventSequence: 1, lastEventSequence: 1, entropy: 'S0m3r4Nd0mt3xt' })

function sent(body = bodyOf([EVENT]), { key = KEY, signature = sign(body, key) } = {}) {
  return messageOf({ headers: { 'content-type': 'application/json', 'x-xero-signature': signature }, body })
}

function sign(body: string, key: string, encoding: 'base64' | 'hex' = 'base64'): string {
  return createHmac('sha256', key).update(body).digest(encoding)
}

describe('the proof', () => {
  test('is an HMAC with the key as text', async () => {
    expect(await outcomeOf(preset, { secrets: [{ secret: KEY }] }, sent())).toBe('proven')
    const two = { secrets: [{ secret: 'new key' }, { secret: KEY }] }
    expect(await outcomeOf(preset, two, sent())).toBe('proven')
  })

  test('names its fault', async () => {
    const outcome = (message = sent(), more = {}) =>
      outcomeOf(preset, { secrets: [{ id: 'one', secret: KEY, ...more }] }, message)
    expect(await outcome(messageOf({ body: bodyOf([]) }))).toBe('header_missing: x-xero-signature')
    expect(await outcome(sent(undefined, { key: 'other' }))).toBe('wrong_secret')
    expect(await outcome(sent(undefined, { signature: sign(bodyOf([EVENT]), KEY, 'hex') }))).toBe(
      'wrong_encoding: hex instead of base64',
    )
    const rewritten = JSON.stringify(JSON.parse(bodyOf([EVENT])), null, 2)
    expect(await outcome(sent(rewritten, { signature: sign(bodyOf([EVENT]), KEY) }))).toBe(
      'body_changed: its JSON was written anew',
    )
    const past = { retiresAt: '2025-12-31T00:00:00Z' }
    expect(await outcome(sent(), past)).toBe('secret_retired: one')
    expect(await outcome(sent(), { activeFrom: '2026-01-02T00:00:00Z' })).toBe('secret_not_active: one')
    expect(await outcome(sent(undefined, { key: 'other' }), past)).toBe('no_active_secret')
  })
})

describe('the intent to receive', () => {
  test.each([
    ['without events', []],
    ['with null for events', null],
  ])('is a handshake %s, answered after the proof with the ordinary reply', (_which, events) => {
    const answer = handshakeIn(preset, sent(bodyOf(events)))
    expect(answer).toEqual({ kind: 'intent to receive', asked: 'after proof' })
  })

  test('that is signed wrongly is no more proven than any other message', async () => {
    const wrong = sent(bodyOf([]), { key: 'wrong on purpose' })
    expect(await outcomeOf(preset, { secrets: [{ secret: KEY }] }, wrong)).toBe('wrong_secret')
  })

  test('is nothing else', () => {
    expect(handshakeIn(preset, sent())).toBeUndefined()
    expect(handshakeIn(preset, sent('{"entropy":"x"}'))).toBeUndefined()
    expect(handshakeIn(preset, sent('[]'))).toBeUndefined()
    expect(handshakeIn(preset, sent('no json'))).toBeUndefined()
  })
})

test('nothing is said to Xero but a status', () => {
  expect(preset.replies).toEqual({ accepted: { status: 200, body: '' }, refused: 'nothing' })
})

describe('the events of a message', () => {
  test('are named each on its own', () => {
    const other = { ...EVENT, resourceId: '55d84274', eventCategory: 'INVOICE', eventType: 'CREATE' }
    const identities = eventsOf(preset, sent(bodyOf([EVENT, other]))).map(({ identity }) => identity)
    expect(identities).toEqual([
      {
        topic: 'CONTACT.UPDATE',
        deliveryId: null,
        eventId: '717f2bfc',
        occurredAt: '2026-01-01T01:15:39.902Z',
        sender: 'c2cc9b6e',
      },
      expect.objectContaining({ topic: 'INVOICE.CREATE', eventId: '55d84274' }),
    ])
  })

  test('are the same only when tenant, resource, kind and time are', () => {
    const keyOf = (change: object) => eventsOf(preset, sent(bodyOf([{ ...EVENT, ...change }])))[0]?.dedupeKey
    expect(keyOf({ resourceUrl: 'elsewhere' })).toBe(keyOf({}))
    const changes = [
      { tenantId: 'other' },
      { resourceId: 'other' },
      { eventType: 'CREATE' },
      { eventCategory: 'INVOICE' },
      { eventDateUtc: '2026-01-01T01:15:39.903' },
    ]
    const keys = [{}, ...changes].map(keyOf)
    expect(new Set(keys).size).toBe(keys.length)
    expect(keyOf({ resourceId: undefined })).toBeNull()
  })
})
