import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { preset as aligent } from '../../src/sources/presets/magento-aligent-async-events.ts'
import { preset as mageplaza } from '../../src/sources/presets/magento-mageplaza.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const json = { 'content-type': 'application/json' }

describe('aligent/magento-async-events', () => {
  const SECRET = 'fD03@NpYbXYg'
  const BODY = '{"data":{"increment_id":"CK00000001","url":"https:\\/\\/m2.example.com\\/"}}'
  const sent = (signature: string, body = BODY) =>
    messageOf({ headers: { ...json, 'x-magento-signature': signature }, body })
  const outcome = (message: ReturnType<typeof messageOf>) =>
    outcomeOf(aligent, { secrets: [{ secret: SECRET }] }, message)
  const digest = (encoding: 'hex' | 'base64') => createHmac('sha256', SECRET).update(BODY).digest(encoding)

  test('is proven by an HMAC in hex', async () => {
    expect(await outcome(sent(digest('hex')))).toBe('proven')
    expect(await outcome(sent(digest('hex').toUpperCase()))).toBe(
      'wrong_encoding: upper-case hex instead of hex',
    )
    expect(await outcome(sent(digest('base64')))).toBe('wrong_encoding: base64 instead of hex')
    expect(await outcome(sent(digest('hex'), BODY.replaceAll('\\/', '/')))).toBe(
      'body_changed: its JSON was written anew',
    )
    expect(await outcome(sent('0'.repeat(64)))).toBe('wrong_secret')
    expect(await outcome(messageOf({ headers: json, body: BODY }))).toBe(
      'header_missing: x-magento-signature',
    )
  })

  test('has nothing but its bytes to tell a repeated attempt by', () => {
    const keyOf = (body: string) => eventsOf(aligent, sent('', body))[0]?.dedupeKey
    expect(keyOf(BODY)).toBe(keyOf(BODY))
    expect(keyOf(BODY.replace('01', '02'))).not.toBe(keyOf(BODY))
  })
})

describe('Mageplaza Webhook', () => {
  const outcome = (proof: object, headers: Record<string, string>) =>
    outcomeOf(mageplaza, proof, messageOf({ headers: { ...json, ...headers }, body: '{"id":1}' }))

  test('is proven by a header of the operator', async () => {
    const proof = { scheme: 'header', header: 'X-Hook-Token', secrets: [{ secret: 'mp_4f0f' }] }
    expect(await outcome(proof, { 'x-hook-token': 'mp_4f0f' })).toBe('proven')
    expect(await outcome(proof, { 'x-hook-token': 'mp_4f0g' })).toBe('wrong_secret')
    expect(await outcome(proof, {})).toBe('header_missing: X-Hook-Token')
  })

  test('is proven by a user', async () => {
    const proof = { scheme: 'basic', users: [{ username: 'magento', secret: 'geheim:Ž' }] }
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
    expect(await outcome(proof, basic('magento:geheim:Ž'))).toBe('proven')
    expect(await outcome(proof, basic('magento:'))).toBe('wrong_secret')
    // Its Digest header is the same every time, and so no better than a secret in a header.
    expect(await outcome(proof, { authorization: 'Digest username="magento"' })).toBe(
      'malformed: Authorization is not Basic',
    )
    expect(await outcome(proof, {})).toBe('header_missing: Authorization')
  })

  test('sends nothing again by itself, so nothing is taken for the same', () => {
    const [event] = eventsOf(mageplaza, messageOf({ headers: json, body: '{"id":1}' }))
    expect(event?.dedupeKey).toBeNull()
  })
})
