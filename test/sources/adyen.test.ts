import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { presetOf } from '../../src/sources/sources.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf, verdictOn } from './verdicts.ts'

const preset = presetOf('adyen')
/** Key, fields and signature of the example in Adyen/adyen-node-api-library, src/__tests__/hmacValidator.spec.ts. */
const KEY = 'DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00'
const OTHER_KEY = 'AB'.repeat(32)
const ITEM = {
  pspReference: 'pspReference',
  originalReference: 'originalReference',
  merchantAccountCode: 'merchantAccount',
  merchantReference: 'reference',
  amount: { currency: 'EUR', value: 1000 },
  eventCode: 'CAPTURE',
  eventDate: '2026-01-01T12:00:00+01:00',
  success: 'true',
  additionalData: { hmacSignature: 'xhpHvYq2u2Np0rstbZ6QjLGu7JWhvf7Iwaa6EviJSX0=' },
}

function sent(items: unknown, headers: Record<string, string> = {}) {
  const body = JSON.stringify({
    live: 'false',
    ...(items !== undefined && { notificationItems: Array.isArray(items) ? items.map(wrapped) : items }),
  })
  return messageOf({ headers: { 'content-type': 'application/json', ...headers }, body })
}

const wrapped = (item: unknown) => ({ NotificationRequestItem: item })

/** An item with other values, signed over the text that is given, or that these values make unescaped. */
function signedItem(change: object, { key = KEY, text = '' } = {}) {
  const item = { ...ITEM, ...change }
  const values = [
    item.pspReference,
    item.originalReference,
    item.merchantAccountCode,
    item.merchantReference,
    item.amount?.value,
    item.amount?.currency,
    item.eventCode,
    item.success,
  ]
  const hmac = createHmac('sha256', Buffer.from(key, 'hex')).update(text || values.join(':'))
  return { ...item, additionalData: { hmacSignature: hmac.digest('base64') } }
}

const outcome = (items: unknown, more = {}, headers = {}) =>
  outcomeOf(preset, { secrets: [{ id: 'one', secret: KEY }], ...more }, sent(items, headers))

describe('every item is proven by its own signature', () => {
  test('as in the example of Adyen', async () => {
    expect(await outcome([ITEM])).toBe('proven')
  })

  test('also when there are several', async () => {
    const refund = signedItem({ pspReference: 'second', eventCode: 'REFUND' })
    expect(await outcome([ITEM, refund])).toBe('proven')
    const forged = { ...refund, amount: { currency: 'EUR', value: 999_999 } }
    expect(await outcome([ITEM, forged])).toBe('wrong_secret: notificationItems[1]')
    expect(await outcome([forged, ITEM])).toBe('wrong_secret: notificationItems[0]')
  })

  test('with a signature of another item it is not', async () => {
    const refund = { ...ITEM, eventCode: 'REFUND' }
    expect(await outcome([ITEM, refund])).toBe('wrong_secret: notificationItems[1]')
  })

  test('with the old key or the new one, item by item', async () => {
    const secrets = [
      { id: 'old', secret: KEY },
      { id: 'new', secret: OTHER_KEY },
    ]
    const renewed = signedItem({ pspReference: 'second' }, { key: OTHER_KEY })
    expect(await outcome([ITEM, renewed], { secrets })).toBe('proven')
    const verdict = await verdictOn(preset, { secrets }, sent([renewed]))
    expect(verdict).toMatchObject({ proven: true, secret: { id: 'new' } })
  })

  test('where a field is missing, nothing stands in its place', async () => {
    expect(await outcome([signedItem({ originalReference: undefined })])).toBe('proven')
    expect(await outcome([signedItem({ originalReference: null })])).toBe('proven')
    expect(await outcome([signedItem({ amount: undefined })])).toBe('proven')
    expect(await outcome([signedItem({ success: true })])).toBe('proven')
  })
})

describe('what is in the values', () => {
  test('is signed as it is, backslashes and the colons of a reference too', async () => {
    expect(await outcome([signedItem({ merchantReference: 'shop:1\\2' })])).toBe('proven')
  })

  test('is signed with escapes where the operator says so', async () => {
    const text = 'pspReference:originalReference:merchantAccount:shop\\:1\\\\2:1000:EUR:CAPTURE:true'
    const item = signedItem({ merchantReference: 'shop:1\\2' }, { text })
    expect(await outcome([item])).toBe('wrong_secret: notificationItems[0]')
    expect(await outcome([item], { escaped: true })).toBe('proven')
    expect(await outcome([ITEM], { escaped: true })).toBe('proven')
  })

  test('cannot be shifted from one field to another under the same signature', async () => {
    const { additionalData } = signedItem({ originalReference: 'a', merchantAccountCode: 'b:c' })
    const shifted = { ...ITEM, originalReference: 'a:b', merchantAccountCode: 'c', additionalData }
    expect(await outcome([shifted])).toBe('malformed: notificationItems[0]: originalReference has a colon')
  })
})

describe('the fault is named', () => {
  test('where nothing is signed', async () => {
    for (const items of [[], undefined, 'x', {}, null])
      expect(await outcome(items)).toBe('malformed: no notificationItems in the body')
    const list = messageOf({ headers: { 'content-type': 'application/json' }, body: '[]' })
    expect(await outcomeOf(preset, { secrets: [{ secret: KEY }] }, list)).toMatch(/^malformed/)
    expect(await outcome([{ ...ITEM, additionalData: {} }])).toBe(
      'header_missing: notificationItems[0]: additionalData.hmacSignature',
    )
    expect(await outcome(['x', ITEM])).toMatch(/^header_missing: notificationItems\[0\]/)
  })

  test('where a value is no text', async () => {
    expect(await outcome([{ ...ITEM, pspReference: { a: 1 } }])).toBe(
      'malformed: notificationItems[0]: a value is no text',
    )
  })

  test('where the signature is wrong', async () => {
    expect(await outcome([signedItem({}, { key: OTHER_KEY })])).toBe('wrong_secret: notificationItems[0]')
    const hex = Buffer.from(ITEM.additionalData.hmacSignature, 'base64').toString('hex')
    expect(await outcome([{ ...ITEM, additionalData: { hmacSignature: hex } }])).toBe(
      'wrong_encoding: notificationItems[0]: hex instead of base64',
    )
    const past = { retiresAt: '2025-12-31T00:00:00Z' }
    expect(await outcome([ITEM], { secrets: [{ id: 'one', secret: KEY, ...past }] })).toBe(
      'secret_retired: notificationItems[0]: one',
    )
    expect(
      await outcome([ITEM], { secrets: [{ id: 'one', secret: KEY, activeFrom: '2026-01-02T00:00:00Z' }] }),
    ).toBe('secret_not_active: notificationItems[0]: one')
    expect(await outcome([ITEM], { secrets: [{ secret: OTHER_KEY, ...past }] })).toBe(
      'no_active_secret: notificationItems[0]',
    )
  })

  test('a key that is not hexadecimal is not taken, the mask of one is', () => {
    const isKey = (secret: string) => preset.proof?.schema.safeParse({ secrets: [{ secret }] }).success
    expect([KEY, KEY.toLowerCase(), '***'].map(isKey)).toEqual([true, true, true])
    expect(['no hex', 'ABC', `${KEY} `].map(isKey)).toEqual([false, false, false])
  })
})

describe('Basic authentication, where it is asked for', () => {
  const users = [{ username: 'adyen', secret: 'pass:word' }]
  const basic = (credentials: string) => ({
    authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
  })

  test('has to be right beside the signature', async () => {
    expect(await outcome([ITEM], { users }, basic('adyen:pass:word'))).toBe('proven')
    expect(await outcome([ITEM], { users }, basic('adyen:other'))).toBe('wrong_secret')
    expect(await outcome([ITEM], { users })).toBe('header_missing: Authorization')
    const forged = { ...ITEM, success: 'false' }
    expect(await outcome([forged], { users }, basic('adyen:pass:word'))).toMatch(/^wrong_secret: notif/)
  })

  test('lets requests without it be refused unread', () => {
    const { signedBy, schema } = preset.proof ?? {}
    if (typeof signedBy !== 'function') throw new Error('signedBy depends on the proof')
    const secrets = [{ secret: KEY }]
    expect(signedBy(schema?.parse({ secrets, users }))).toEqual(['authorization'])
    expect(signedBy(schema?.parse({ secrets }))).toEqual([])
  })
})

test('Adyen is answered with the text it looks for', () => {
  expect(preset.replies.accepted).toEqual({ status: 200, contentType: 'text/plain', body: '[accepted]' })
})

describe('the items of a message', () => {
  test('are events of their own', () => {
    const identities = eventsOf(preset, sent([ITEM, { ...ITEM, eventCode: 'REFUND' }])).map(
      ({ identity }) => identity,
    )
    expect(identities).toEqual([
      {
        topic: 'CAPTURE',
        deliveryId: null,
        eventId: 'pspReference',
        occurredAt: '2026-01-01T11:00:00.000Z',
        sender: 'merchantAccount',
      },
      expect.objectContaining({ topic: 'REFUND' }),
    ])
  })

  test('are the same only when reference, code and success are', () => {
    const keyOf = (change: object) => eventsOf(preset, sent([{ ...ITEM, ...change }]))[0]?.dedupeKey
    expect(keyOf({ eventDate: 'later', reason: 'again' })).toBe(keyOf({}))
    const keys = [{}, { pspReference: 'x' }, { eventCode: 'x' }, { success: 'false' }].map(keyOf)
    expect(new Set(keys).size).toBe(keys.length)
    expect(keyOf({ success: undefined })).toBeNull()
  })
})
