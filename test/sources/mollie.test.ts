import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { preset as classic } from '../../src/sources/presets/mollie-classic.ts'
import { preset as nextgen } from '../../src/sources/presets/mollie-nextgen.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf, verdictOn } from './verdicts.ts'

describe('a classic webhook of Mollie', () => {
  const message = messageOf({
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'id=tr_5B8cwPMGnU6qLbRvo7qEZo',
  })

  test('has no proof, so none can be asked for', () => {
    expect(classic.proof).toBeUndefined()
    expect(classic.senderDomains).toEqual([])
    expect(classic.replies.accepted.status).toBe(200)
  })

  test('is never a duplicate: the same bytes come for every change of a payment', () => {
    const [event] = eventsOf(classic, message)
    expect(event?.value).toEqual({ id: 'tr_5B8cwPMGnU6qLbRvo7qEZo' })
    expect(event?.dedupeKey).toBeNull()
    expect(Object.values(event?.identity ?? {})).toEqual([null, null, null, null, null])
  })
})

describe('a next-gen webhook of Mollie', () => {
  const SECRET = 'mollie-signing-secret'
  const BODY =
    '{"resource":"event","id":"event_1","type":"payment-link.paid","entityId":"pl_1","createdAt":"2026-01-01T00:00:00.0Z"}'
  const hex = (key = SECRET) => createHmac('sha256', key).update(BODY).digest('hex')

  const sent = (signature: string, body = BODY) =>
    messageOf({ headers: { 'content-type': 'application/json', 'x-mollie-signature': signature }, body })
  const outcome = (message = sent(`sha256=${hex()}`), more = {}) =>
    outcomeOf(nextgen, { secrets: [{ id: 'one', secret: SECRET, ...more }] }, message)

  test('is proven by either header that comes after the secret was renewed', async () => {
    expect(await outcome()).toBe('proven')
    for (const signature of [
      `sha256=${hex()}, sha256=${hex('renewed')}`,
      `sha256=${hex('renewed')}, sha256=${hex()}`,
    ])
      expect(await outcome(sent(signature))).toBe('proven')
    const secrets = [{ id: 'renewed', secret: 'renewed' }]
    expect(
      await verdictOn(nextgen, { secrets }, sent(`sha256=${hex()}, sha256=${hex('renewed')}`)),
    ).toMatchObject({ proven: true, secret: { id: 'renewed' } })
  })

  test('is proven without the prefix too, which one of the two documents does not know', async () => {
    expect(await outcome(sent(hex()))).toBe('proven')
  })

  test('is refused for every fault, by its name', async () => {
    expect(await outcome(messageOf({ body: BODY }))).toBe('header_missing: X-Mollie-Signature')
    expect(await outcome(sent(`sha256=${hex('other')}`))).toBe('wrong_secret')
    expect(await outcome(sent(`sha512=${hex()}`))).toBe(
      'wrong_algorithm: no value of X-Mollie-Signature is sha256=…',
    )
    expect(await outcome(sent(`sha1=${hex()}, sha256=${hex('other')}`))).toBe('wrong_secret')
    expect(await outcome(sent(`sha256=sha256=${hex()}`))).toMatch(/^wrong_algorithm/)
    const base64 = Buffer.from(hex(), 'hex').toString('base64')
    expect(await outcome(sent(`sha256=${base64}`))).toBe('wrong_encoding: base64 instead of hex')
    expect(await outcome(sent(`sha256=${hex()}`, BODY.replaceAll(',', ', ')))).toBe(
      'body_changed: its JSON was written anew',
    )
    const past = '2025-12-31T00:00:00Z'
    expect(await outcome(undefined, { retiresAt: past })).toBe('secret_retired: one')
    expect(await outcome(undefined, { activeFrom: '2026-01-02T00:00:00Z' })).toBe('secret_not_active: one')
    expect(await outcome(sent(`sha256=${hex('other')}`), { retiresAt: past })).toBe('no_active_secret')
  })

  test('is known by the id of its event', () => {
    const [event] = eventsOf(nextgen, sent(''))
    expect(event?.identity).toEqual({
      topic: 'payment-link.paid',
      deliveryId: null,
      eventId: 'event_1',
      occurredAt: '2026-01-01T00:00:00.000Z',
      sender: null,
    })
    expect(eventsOf(nextgen, sent('', BODY.replace('pl_1', 'pl_2')))[0]?.dedupeKey).toBe(event?.dedupeKey)
    expect(eventsOf(nextgen, sent('', BODY.replace('event_1', 'event_2')))[0]?.dedupeKey).not.toBe(
      event?.dedupeKey,
    )
  })
})
