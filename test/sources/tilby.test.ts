import { describe, expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/tilby.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const json = { 'content-type': 'application/json' }
const pinned = { environment_id: 'shop-1', client_id: 'client-1' }
const time = '2026-01-01T00:00:00.000Z'
const sent = (body: unknown) => messageOf({ headers: json, body: JSON.stringify(body) })

const subscribed = { type: 'SUBSCRIBED', entity_name: 'sales', time, ...pinned }
const sale = { type: 'CLOSED', entity_name: 'sales', time, ...pinned, entity: { id: 815 } }

describe('the handshake of Tilby', () => {
  const [handshake] = preset.handshakes
  const answer = (body: unknown) => handshake?.answer(sent(body))

  test('tells which shop and which token events come from, and is answered by 200', () => {
    expect(handshake).toMatchObject({ method: 'POST', asked: 'before proof' })
    expect(answer(subscribed)).toEqual({ pin: pinned, note: { entity_name: 'sales' } })
    expect(preset.replies.accepted.status).toBe(200)
  })

  test('pins nothing but the two, whatever else is sent with them', () => {
    const { entity_name, ...bare } = subscribed
    expect(answer({ ...bare, admin: 'yes' })).toEqual({ pin: pinned })
  })

  test('is nothing that has another type, lacks one of them, or is large', () => {
    expect(answer(sale)).toBeUndefined()
    expect(answer({ ...subscribed, type: 'subscribed' })).toBeUndefined()
    expect(answer({ ...subscribed, client_id: undefined })).toBeUndefined()
    expect(answer({ ...subscribed, environment_id: ['shop-1'] })).toBeUndefined()
    expect(answer([subscribed])).toBeUndefined()
    expect(answer({ ...subscribed, filler: 'x'.repeat(5_000) })).toBeUndefined()
    expect(handshake?.answer(messageOf({ headers: json, body: '{"type":"SUBSCRIBED"' }))).toBeUndefined()
  })
})

describe('an event of Tilby is proven by what the handshake pinned', () => {
  const outcome = (body: unknown, proof: object = {}, pins: Record<string, string> | undefined = pinned) =>
    outcomeOf(preset, proof, sent(body), { pinned: pins })

  test('both of it, as it is', async () => {
    expect(await outcome(sale)).toBe('proven')
    expect(await outcome({ ...sale, environment_id: 'shop-2' })).toBe('wrong_recipient: environment_id')
    expect(await outcome({ ...sale, client_id: 'Client-1' })).toBe('wrong_recipient: client_id')
    expect(await outcome({ ...sale, client_id: null })).toBe('wrong_recipient: client_id')
    expect(await outcome({ ...sale, client_id: ['client-1'] })).toBe('wrong_recipient: client_id')
    expect(await outcome(sale, {}, { environment_id: 'shop-1' })).toBe('wrong_recipient: client_id')
  })

  test('and not before there was one', async () => {
    const proofs = [{}, { pin: 'ifPresent' }]
    for (const proof of proofs) {
      expect(await outcomeOf(preset, proof, sent(sale), { pinned: undefined })).toBe('not_pinned')
    }
  })

  test('in each element of an array, or around all of a list', async () => {
    const one = { id: 1, ...pinned }
    expect(await outcome([one, { id: 2, ...pinned }])).toBe('proven')
    expect(await outcome([one, { id: 2 }])).toBe('header_missing: environment_id in the body')
    expect(await outcome([one, { id: 2, ...pinned, client_id: 'x' }])).toBe('wrong_recipient: client_id')
    expect(await outcome({ ...pinned, items: [{ id: 1 }, { id: 2 }] })).toBe('proven')
    expect(await outcome({ items: [one, one] })).toBe('proven')
    expect(await outcome({ ...pinned, items: [{ id: 1, client_id: 'x' }] })).toBe(
      'wrong_recipient: client_id',
    )
    expect(await outcome([])).toBe('header_missing: environment_id in the body')
  })

  test('unless events carry nothing and the operator has said so', async () => {
    const bare = { type: 'CLOSED', entity_name: 'sales' }
    expect(await outcome(bare)).toBe('header_missing: environment_id in the body')
    expect(await outcome({ ...bare, environment_id: 'shop-1' })).toBe('header_missing: client_id in the body')
    expect(await outcome(bare, { pin: 'ifPresent' })).toBe('proven')
    expect(await outcome({ ...bare, client_id: 'x' }, { pin: 'ifPresent' })).toBe(
      'wrong_recipient: client_id',
    )
  })

  test('and never where it cannot be read', async () => {
    const broken = messageOf({ headers: json, body: '{"environment_id":"shop-1"' })
    expect(await outcomeOf(preset, { pin: 'ifPresent' }, broken, { pinned })).toBe(
      'malformed: the body cannot be read',
    )
    expect(await outcome('a text')).toBe('header_missing: environment_id in the body')
  })
})

describe('a message of Tilby', () => {
  const events = (body: unknown) => eventsOf(preset, sent(body))
  const valuesOf = (body: unknown) => events(body).map(({ value }) => value)

  test('is one event, or as many as there are in its array', () => {
    expect(valuesOf(sale)).toEqual([sale])
    expect(valuesOf([{ id: 1 }, { id: 2 }])).toEqual([{ id: 1 }, { id: 2 }])
    expect(valuesOf({ entity_name: 'items', entities: [{ id: 1 }, { id: 2 }] })).toEqual([
      { id: 1 },
      { id: 2 },
    ])
    expect(valuesOf({ list: [{ id: 1 }] })).toEqual([{ id: 1 }])
  })

  test.each([
    ['two arrays', { entity_name: 'items', barcodes: [{ id: 1 }], components: [{ id: 2 }] }],
    ['an array of texts', { entity_name: 'items', tags: ['a', 'b'] }],
    ['an empty array', { entity_name: 'items', entities: [] }],
    ['what is never imported', { entity_name: 'sales', sale_items: [{ id: 1 }, { id: 2 }] }],
  ])('is one event with %s', (_case, body) => {
    expect(valuesOf(body)).toEqual([body])
  })

  test('names its events, also where what names them stands around them', () => {
    expect(events(sale)[0]?.identity).toEqual({
      topic: 'sales.CLOSED',
      deliveryId: null,
      eventId: null,
      occurredAt: time,
      sender: 'shop-1',
    })
    const { type, ...untyped } = sale
    expect(events(untyped)[0]?.identity.topic).toBe('sales')
    const [, second] = events({ ...pinned, entity_name: 'items', time, entities: [{ id: 1 }, { id: 2 }] })
    expect(second?.identity).toMatchObject({ topic: 'items', occurredAt: time, sender: 'shop-1' })
  })

  test('has the same events when it comes again, and others at another time', () => {
    const keysOf = (body: unknown) => events(body).map(({ dedupeKey }) => dedupeKey)
    expect(keysOf(sale)).toEqual(keysOf({ ...sale }))
    expect(keysOf({ ...sale, time: '2026-01-01T00:00:01.000Z' })).not.toEqual(keysOf(sale))
    const batch = {
      ...pinned,
      entity_name: 'items',
      type: 'IMPORTED',
      time,
      entities: [{ id: 1 }, { id: 2 }],
    }
    const [first, second] = keysOf(batch)
    expect(first).not.toBe(second)
    const [later] = keysOf({ ...batch, time: '2026-01-02T00:00:00.000Z' })
    expect(later).not.toBe(first)
    expect(keysOf([{ id: 1 }])).toEqual(keysOf([{ id: 1 }]))
  })
})
