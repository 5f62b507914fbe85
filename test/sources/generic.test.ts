import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/generic.ts'
import { eventsOf, type GivenMessage, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const SECRET = 'generic-secret'
const BODY = '{"event":"order.created"}'
const secrets = [{ secret: SECRET }]
const hmac = { scheme: 'hmac', header: 'X-Signature', secrets }

const digest = (text: string, encoding: 'base64' | 'hex' = 'base64') =>
  createHmac('sha256', SECRET).update(text).digest(encoding)
const outcome = (proof: object, given: GivenMessage) =>
  outcomeOf(preset, proof, messageOf({ body: BODY, ...given }))
const isRead = (proof: object) => preset.proof?.schema.safeParse(proof).success

describe('an HMAC of any system', () => {
  test('is sha256 in base64 over the body, unless said otherwise', async () => {
    expect(await outcome(hmac, { headers: { 'x-signature': digest(BODY) } })).toBe('proven')
    expect(await outcome(hmac, {})).toBe('header_missing: X-Signature')
    expect(await outcome(hmac, { headers: { 'x-signature': digest(BODY, 'hex') } })).toBe(
      'wrong_encoding: hex instead of base64',
    )
    expect(await outcome(hmac, { headers: { 'x-signature': digest(`${BODY}\n`) } })).toBe(
      'body_changed: a line end was cut',
    )
  })

  test('may be over a text of which the body is a part, with other braces left alone', async () => {
    const proof = { ...hmac, signedText: '{method} {url} {other} {body}{body}', encoding: 'hex' }
    const url = 'https://hooks.example.com/integration/abc?a={body}'
    const text = `POST ${url} {other} ${BODY}${BODY}`
    expect(await outcome(proof, { url, headers: { 'x-signature': digest(text, 'hex') } })).toBe('proven')
  })

  test('has its prefix and its timestamp, within the tolerance', async () => {
    const proof = {
      ...hmac,
      prefix: 'v1=',
      signedText: '{timestamp}.{body}',
      timestampHeader: 'X-Timestamp',
      toleranceSeconds: 60,
    }
    const signed = (time: string) => ({
      'x-timestamp': time,
      'x-signature': `v1=${digest(`${time}.${BODY}`)}`,
    })
    const now = 1767225600
    const at = (time: string) => outcome(proof, { headers: signed(time), now })
    expect(await at(String(now - 60))).toBe('proven')
    expect(await at(String(now + 60))).toBe('proven')
    expect(await at(`${now}999`)).toBe('proven')
    expect(await at(String(now - 61))).toBe('too_old: 61 s old')
    expect(await at(String(now + 61))).toBe('too_new: 61 s ahead')
    expect(await at('')).toBe('malformed: X-Timestamp is no Unix time')
    expect(await at('1767225600.0')).toBe('malformed: X-Timestamp is no Unix time')
    expect(await at('-1767225600')).toBe('malformed: X-Timestamp is no Unix time')
    const { 'x-signature': signature } = signed(String(now))
    expect(await outcome(proof, { headers: { 'x-signature': signature }, now })).toBe(
      'header_missing: X-Timestamp',
    )
    const bare = { ...signed(String(now)), 'x-signature': signature.slice(3) }
    expect(await outcome(proof, { headers: bare, now })).toBe(
      'malformed: X-Signature does not begin with v1=',
    )
  })

  test('asks for a timestamp that is signed, and for a text that has the body', () => {
    expect(isRead({ ...hmac, timestampHeader: 'X-Timestamp' })).toBe(false)
    expect(isRead({ ...hmac, signedText: '{timestamp}.{body}' })).toBe(false)
    expect(isRead({ ...hmac, signedText: '{timestamp}', timestampHeader: 'X-Timestamp' })).toBe(false)
    expect(isRead({ ...hmac, signedText: '{timestamp}.{body}', timestampHeader: 'X-Timestamp' })).toBe(true)
    expect(isRead({ ...hmac, header: 'X Signature' })).toBe(false)
  })
})

describe('a secret of any system that is sent as it is', () => {
  test('stands in a header', async () => {
    const proof = { scheme: 'header', header: 'X-Token', secrets }
    expect(await outcome(proof, { headers: { 'x-token': SECRET } })).toBe('proven')
    expect(await outcome(proof, { headers: { 'x-token': `${SECRET} ` } })).toBe('wrong_secret')
    expect(await outcome(proof, {})).toBe('header_missing: X-Token')
  })

  test('is a Bearer token', async () => {
    const proof = { scheme: 'bearer', secrets }
    expect(await outcome(proof, { headers: { authorization: `bearer ${SECRET}` } })).toBe('proven')
    expect(await outcome(proof, { headers: { authorization: 'Bearer x' } })).toBe('wrong_secret')
    expect(await outcome(proof, { headers: { authorization: `Basic ${SECRET}` } })).toBe(
      'header_missing: Authorization: Bearer',
    )
  })

  test('is the password of a user, with colons', async () => {
    const proof = { scheme: 'basic', users: [{ username: 'hook', secret: 'a:b' }] }
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
    expect(await outcome(proof, { headers: basic('hook:a:b') })).toBe('proven')
    expect(await outcome(proof, { headers: basic('hook:a') })).toBe('wrong_secret')
    expect(await outcome(proof, { headers: { authorization: 'Basic hook:a:b' } })).toBe(
      'malformed: Authorization is not Basic',
    )
    expect(await outcome(proof, {})).toBe('header_missing: Authorization')
    expect(isRead({ scheme: 'basic', users: [{ username: 'ho:ok', secret: 'a' }] })).toBe(false)
  })

  test('is a parameter of the address, given once', async () => {
    const proof = { scheme: 'query', parameter: 'token', secrets }
    const at = (query: string) => outcome(proof, { url: `https://hooks.example.com/integration/abc${query}` })
    expect(await at(`?token=${SECRET}`)).toBe('proven')
    expect(await at('?token=x')).toBe('wrong_secret')
    expect(await at('')).toBe('header_missing: ?token=')
    expect(await at(`?token=${SECRET}&token=${SECRET}`)).toBe('header_missing: ?token=')
  })
})

test('of any system nothing is known beside its proof', () => {
  const [event] = eventsOf(preset, messageOf({ headers: { 'x-topic': 'a' }, body: '[{"id":1},{"id":2}]' }))
  expect(event?.value).toEqual([{ id: 1 }, { id: 2 }])
  expect(Object.values(event?.identity ?? {})).toEqual([null, null, null, null, null])
  expect(event?.dedupeKey).toBeNull()
  expect(preset.replies).toEqual({
    accepted: { status: 200, contentType: 'application/json', body: '{"result":true,"error":""}' },
    refused: 'sentence',
  })
})
