import { describe, expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/openticket.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const NONCE = '5aK2HMgcUlDCWLuC3KWa'
const HEADERS = {
  'content-type': 'application/json',
  'OpenTicket-Trigger': 'order.ticket.scanned',
  'OpenTicket-Dedupe-Key': 'ba7a36206f413cfcec086e8ad78449b5',
}

const event = (changed: Record<string, string> = {}, body = '{"guid":"0d2b8c1e"}') =>
  eventsOf(preset, messageOf({ headers: { ...HEADERS, ...changed }, body }))[0]

describe('an event of OpenTicket', () => {
  test('is known by its trigger and its dedupe key', () => {
    expect(event()?.identity).toMatchObject({
      topic: 'order.ticket.scanned',
      eventId: 'ba7a36206f413cfcec086e8ad78449b5',
    })
  })

  test('is the same with the same dedupe key, and told by nothing without one', () => {
    expect(event({}, '{}')?.dedupeKey).toBe(event()?.dedupeKey)
    expect(event({ 'OpenTicket-Dedupe-Key': 'another' })?.dedupeKey).not.toBe(event()?.dedupeKey)
    expect(event({ 'OpenTicket-Dedupe-Key': '' })?.dedupeKey).toBeNull()
  })
})

test('OpenTicket is asked to come again by a 4xx, because it does so after no other status', () => {
  expect(preset.replies.retryStatus).toBe(429)
  expect(preset.replies.accepted.status).toBe(200)
})

test('OpenTicket is proven by the nonce as it is, letter by letter', async () => {
  const outcome = (headers: Record<string, string>) =>
    outcomeOf(preset, { secrets: [{ secret: NONCE }] }, messageOf({ headers }))
  expect(await outcome({ 'OpenTicket-Identifier': NONCE })).toBe('proven')
  expect(await outcome({ 'OpenTicket-Identifier': NONCE.toLowerCase() })).toBe('wrong_secret')
  expect(await outcome({ 'OpenTicket-Identifier': '' })).toBe('wrong_secret')
  expect(await outcome({})).toBe('header_missing: OpenTicket-Identifier')
})
