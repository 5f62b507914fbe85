import { describe, expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/retino.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const json = { 'content-type': 'application/json' }
const event = (body: object) => eventsOf(preset, messageOf({ headers: json, body: JSON.stringify(body) }))[0]
const keyOf = (body: object) => event(body)?.dedupeKey

const created_at = '2026-01-01T00:00:00.010Z'
const ticket = {
  event_type: 'ticket.updated',
  created_at,
  ticket: { id: '8fad1c8d', code: '20260001', updated_at: '2026-01-01T00:00:00.525472+02:00' },
}
const product = {
  event_type: 'ticket.product.created',
  created_at,
  ticket_id: '8fad1c8d',
  product: { id: '09c69980', name: 'Apollo 11' },
}

describe('an event of Retino', () => {
  test('is known by its type and time', () => {
    expect(event(ticket)?.identity).toEqual({
      topic: 'ticket.updated',
      deliveryId: null,
      eventId: null,
      occurredAt: '2026-01-01T00:00:00.010Z',
      sender: null,
    })
  })

  test('is the same with the same type, time and thing, and another where any of them is', () => {
    expect(keyOf({ ...ticket, ticket: { ...ticket.ticket, code: 'another' } })).toBe(keyOf(ticket))
    expect(keyOf({ ...ticket, event_type: 'ticket.created' })).not.toBe(keyOf(ticket))
    expect(keyOf({ ...ticket, created_at: '2026-01-01T00:00:00.011Z' })).not.toBe(keyOf(ticket))
    expect(keyOf({ ...ticket, ticket: { ...ticket.ticket, id: 'b' } })).not.toBe(keyOf(ticket))
    const later = { ...ticket.ticket, updated_at: '2026-01-01T00:00:00.525473+02:00' }
    expect(keyOf({ ...ticket, ticket: later })).not.toBe(keyOf(ticket))
  })

  test('is about what its type says, whatever else comes with it', () => {
    const withTicket = { ...product, ticket: ticket.ticket }
    expect(keyOf(withTicket)).toBe(keyOf(product))
    expect(keyOf({ ...withTicket, product: { id: 'another' } })).not.toBe(keyOf(product))
    for (const thing of ['shipping', 'refund']) {
      const one = { event_type: `ticket.${thing}.created`, created_at, [thing]: { id: 'a' } }
      expect(keyOf(one)).toBe(keyOf({ ...one, ticket_id: 'b' }))
      expect(keyOf(one)).not.toBe(keyOf({ ...one, [thing]: { id: 'b' } }))
    }
    const ordered = { event_type: 'shipping.ordered', created_at, shipping: { id: 'a' } }
    expect(keyOf({ ...ordered, shipping: { id: 'a', tracking_number: 'Z1' } })).toBe(keyOf(ordered))
  })

  test('without a type is told by its bytes, as those of Retino Tracking are', () => {
    const tracking = { id: '3fa85f64', tracking_number: 'Z123' }
    expect(keyOf(tracking)).toBe(keyOf({ ...tracking }))
    expect(keyOf({ ...tracking, tracking_number: 'Z124' })).not.toBe(keyOf(tracking))
    const unknown = { event_type: 'invoice.created', created_at, invoice: { id: 'a' } }
    expect(keyOf({ ...unknown, invoice: { id: 'b' } })).not.toBe(keyOf(unknown))
  })
})

test('Retino is proven by its token and by nothing else', async () => {
  const outcome = (headers: Record<string, string>) =>
    outcomeOf(preset, { secrets: [{ secret: 'rt_1' }, { secret: 'rt_2' }] }, messageOf({ headers }))
  expect(await outcome({ 'X-Retino-Secret': 'rt_1' })).toBe('proven')
  expect(await outcome({ 'X-Retino-Secret': 'rt_2' })).toBe('proven')
  expect(await outcome({ 'X-Retino-Secret': 'RT_1' })).toBe('wrong_secret')
  expect(await outcome({ authorization: 'rt_1' })).toBe('header_missing: X-Retino-Secret')
})
