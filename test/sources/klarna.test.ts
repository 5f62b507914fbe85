import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/klarna.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf, verdictOn } from './verdicts.ts'

const ONE = 'krn:partner:global:notification:signing-key:49bcd37b-79a7-4e6e-b067-2903b45fef42'
const TWO = 'krn:partner:global:notification:signing-key:120e5b7e-dee8-43ca-9858-dca726e639b5'
const BODY = JSON.stringify({
  metadata: {
    event_type: 'payment.request.state-change.authorized',
    event_id: 'd9f9b1a0-5b1a-4b0e-9b0a-9b0a9b0a9b0a',
    event_version: 'v2',
    occurred_at: '2026-01-01T00:00:00Z',
    subject_account_id: 'krn:partner:global:account:test:A',
    live: false,
  },
  payload: {},
})

function sent({ key = 'key one', keyId = ONE as string | undefined, body = BODY, signature = '' } = {}) {
  const digest = createHmac('sha256', key).update(BODY).digest('hex')
  const headers = { 'content-type': 'application/json', 'klarna-signature': signature || digest }
  return messageOf({
    headers: keyId === undefined ? headers : { ...headers, 'klarna-signing-key-id': keyId },
    body,
  })
}

/** As `sent`, but the request names no key. */
function unnamed(given: Parameters<typeof sent>[0] = {}) {
  const whole = sent(given)
  return {
    ...whole,
    header: (name: string) => (name === 'klarna-signing-key-id' ? undefined : whole.header(name)),
  }
}

const one = { id: 'one', secret: 'key one', keyId: ONE }
const two = { id: 'two', secret: 'key two', keyId: TWO }
const plain = { id: 'plain', secret: 'key plain' }

const outcome = (secrets: object[], message = sent()) => outcomeOf(preset, { secrets }, message)

describe('Klarna names the key that it signed with', () => {
  test('and a secret with that id is taken, of several', async () => {
    expect(await outcome([one])).toBe('proven')
    const message = sent({ key: 'key two', keyId: TWO })
    expect(await verdictOn(preset, { secrets: [one, two] }, message)).toMatchObject({
      proven: true,
      secret: { id: 'two' },
    })
  })

  test('and a secret with an id counts for no other', async () => {
    expect(await outcome([one, two], sent({ key: 'key one', keyId: TWO }))).toBe('wrong_secret')
    expect(await outcome([one, plain], sent({ key: 'key one', keyId: 'another' }))).toBe('wrong_secret')
    expect(await outcome([one, plain], unnamed())).toBe('wrong_secret')
  })

  test('and a secret without an id counts for all', async () => {
    for (const message of [
      sent({ key: 'key plain' }),
      sent({ key: 'key plain', keyId: 'another' }),
      unnamed({ key: 'key plain' }),
    ])
      expect(await outcome([one, plain], message)).toBe('proven')
  })

  test('and where all secrets have an id, an unknown or absent one is told', async () => {
    expect(await outcome([one, two], sent({ keyId: 'krn:another' }))).toBe(
      'unknown_key: Klarna-Signing-Key-Id: krn:another',
    )
    expect(await outcome([one, two], unnamed())).toBe('header_missing: Klarna-Signing-Key-Id')
  })

  test('so the name is covered where every secret has one', () => {
    const covers = preset.proof?.covers
    const headersOf = (secrets: object[]) => typeof covers === 'function' && covers({ secrets }).headers
    expect(headersOf([one, two])).toEqual(['klarna-signing-key-id'])
    expect(headersOf([one, plain])).toEqual([])
  })
})

test('Klarna is refused for every other fault, by its name', async () => {
  expect(await outcome([one], messageOf({ headers: { 'klarna-signing-key-id': ONE }, body: BODY }))).toBe(
    'header_missing: Klarna-Signature',
  )
  expect(await outcome([one], sent({ key: 'another' }))).toBe('wrong_secret')
  const base64 = createHmac('sha256', 'key one').update(BODY).digest('base64')
  expect(await outcome([one], sent({ signature: base64 }))).toBe('wrong_encoding: base64 instead of hex')
  expect(await outcome([one], sent({ body: `${BODY}\n` }))).toBe(
    'body_changed: blanks around it were cut or added',
  )
  const past = '2025-12-31T00:00:00Z'
  expect(await outcome([{ ...one, retiresAt: past }])).toBe('secret_retired: one')
  expect(await outcome([{ ...one, activeFrom: '2026-01-02T00:00:00Z' }])).toBe('secret_not_active: one')
  expect(await outcome([{ ...one, retiresAt: past }], sent({ key: 'another' }))).toBe('no_active_secret')
})

test('an event of Klarna is known by what its metadata says', () => {
  const [event] = eventsOf(preset, sent())
  expect(event?.identity).toEqual({
    topic: 'payment.request.state-change.authorized',
    deliveryId: null,
    eventId: 'd9f9b1a0-5b1a-4b0e-9b0a-9b0a9b0a9b0a',
    occurredAt: '2026-01-01T00:00:00.000Z',
    sender: 'krn:partner:global:account:test:A',
  })
  const keyOf = (body: string) => eventsOf(preset, sent({ body }))[0]?.dedupeKey
  expect(keyOf(BODY.replace('"payload":{}', '"payload":{"a":1}'))).toBe(event?.dedupeKey)
  expect(keyOf(BODY.replace('d9f9b1a0', 'e9f9b1a0'))).not.toBe(event?.dedupeKey)
})
