import { createHash, createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { presetOf } from '../../src/sources/sources.ts'
import { eventsOf, type GivenMessage, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const preset = presetOf('twilio')
const TOKEN = '12345'
const URL = 'https://mycompany.com/myapp.php?foo=1&bar=2'
const FORM = 'application/x-www-form-urlencoded'

interface Given extends GivenMessage {
  /** The text that is signed. */
  signed: string
  token?: string
}

function sent({ signed, token = TOKEN, headers, ...given }: Given) {
  const signature = createHmac('sha1', token).update(signed).digest('base64')
  return messageOf({
    url: URL,
    ...given,
    headers: { 'content-type': FORM, 'x-twilio-signature': signature, ...headers },
  })
}

const outcome = (message: ReturnType<typeof sent>, more = {}) =>
  outcomeOf(preset, { secrets: [{ id: 'one', secret: TOKEN, ...more }] }, message)

describe('a form', () => {
  test('has at most 1,000 parameters, which are not taken apart where there are more', async () => {
    const names = Array.from({ length: 1_001 }, (_, at) => `p${String(at).padStart(4, '0')}`)
    const signed = (list: string[]) => sent({ body: list.join('&'), signed: `${URL}${list.join('')}` })
    expect(await outcome(signed(names.slice(1)))).toBe('proven')
    expect(await outcome(signed(names))).toContain('malformed')
    expect(await outcome(signed(Array(500_000).fill('1')))).toContain('malformed')
  })

  test('is signed with its names in order, each followed by its value', async () => {
    const body = 'To=%2B18005551212&CallSid=CA1&From=%2B1415'
    const signed = `${URL}CallSidCA1From+1415To+18005551212`
    expect(await outcome(sent({ body, signed }))).toBe('proven')
    const charset = { headers: { 'content-type': `${FORM}; charset=UTF-8` } }
    expect(await outcome(sent({ body, signed, ...charset }))).toBe('proven')
  })

  test('is signed as it reads, blanks and other alphabets too', async () => {
    const body = 'Body=Gr%C3%BC%C3%9Fe+aus%20K%C3%B6ln+%26+%F0%9F%8E%89&Empty=&A%5Bb%5D=1'
    expect(await outcome(sent({ body, signed: `${URL}A[b]1BodyGrüße aus Köln & 🎉Empty` }))).toBe('proven')
  })

  test('names each different value of a name once, in order', async () => {
    const body = 'Digits=5678&Sid=CA123&Digits=1234&Digits=1234'
    expect(await outcome(sent({ body, signed: `${URL}Digits1234Digits5678SidCA123` }))).toBe('proven')
  })

  test('proves nothing else', async () => {
    const body = 'CallSid=CA1&From=1'
    const right = sent({ body, signed: `${URL}CallSidCA1From1` })
    expect(await outcome(right)).toBe('proven')
    for (const changed of ['CallSid=CA1', `${body}&To=2`, '?CallSid=CA1&From=1', 'CallSid=CA2&From=1'])
      expect(await outcome({ ...right, body: Buffer.from(changed) })).toBe('wrong_secret')
    expect(await outcome({ ...right, url: `${URL}&baz=3` })).toBe('wrong_secret')
  })
})

describe('another body', () => {
  const body = '{"property":"value"}'
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  const hashed = (hashes: string) => ({
    url: `${URL}&${hashes}`,
    signed: `${URL}&${hashes}`,
    headers: { 'content-type': 'application/json' },
  })

  test('is proven by its hash in the signed address', async () => {
    expect(await outcome(sent({ body, ...hashed(`bodySHA256=${hash(body)}`) }))).toBe('proven')
  })

  test('is refused when the hash is that of another', async () => {
    const fault = 'body_changed: the signed bodySHA256 is not that of the body'
    for (const hashes of [
      `bodySHA256=${hash('{}')}`,
      'bodySHA256=',
      `bodySHA256=${hash(body).toUpperCase()}`,
      `bodySHA256=${hash(body)}&bodySHA256=${hash('{}')}`,
    ])
      expect(await outcome(sent({ body, ...hashed(hashes) }))).toBe(fault)
  })

  test('is refused when the hash was put into an address that was signed without it', async () => {
    const { headers, url } = hashed(`bodySHA256=${hash(body)}`)
    expect(await outcome(sent({ body, headers, url, signed: URL }))).toBe('wrong_secret')
    // The address as typed at Twilio stands for the one that was called, and its query is not the signed one.
    const query = new URLSearchParams(`bodySHA256=${hash(body)}`)
    expect(await outcome({ ...sent({ body, headers, signed: URL }), query })).toMatch(/^header_missing/)
  })

  test('is refused without a hash, although the address is signed', async () => {
    const headers = { 'content-type': 'application/json' }
    expect(await outcome(sent({ body, headers, signed: URL }))).toBe(
      'header_missing: bodySHA256 of a body that is no form',
    )
  })
})

describe('the address', () => {
  const body = 'A=1'

  test.each([
    ['https://a.example/x', 'https://a.example:443/x'],
    ['http://a.example/x', 'http://a.example:80/x'],
    ['https://a.example:443/x', 'https://a.example/x'],
    ['https://a.example:8443/x', 'https://a.example:8443/x'],
    ['https://a.example:8443/x', 'https://a.example/x'],
    ['https://a.example', 'https://a.example:443'],
    ['https://a.example?q=1', 'https://a.example:443?q=1'],
  ])('%s may be signed as %s', async (url, signedUrl) => {
    expect(await outcome(sent({ body, url, signed: `${signedUrl}A1` }))).toBe('proven')
  })

  test.each([
    ['https://a.example/x', 'http://a.example/x'],
    ['https://a.example/x', 'https://a.example:8443/x'],
    ['https://a.example/x', 'https://b.example/x'],
    ['https://a.example/x', 'https://a.example/x/'],
  ])('%s may not be signed as %s', async (url, signedUrl) => {
    expect(await outcome(sent({ body, url, signed: `${signedUrl}A1` }))).toBe('wrong_secret')
  })
})

test('a fault is named', async () => {
  const body = 'A=1'
  const right = sent({ body, signed: `${URL}A1` })
  expect(await outcome(messageOf({ body }))).toBe('header_missing: x-twilio-signature')
  expect(await outcome(sent({ body, signed: `${URL}A1`, token: 'other' }))).toBe('wrong_secret')
  const hex = Buffer.from(right.header('x-twilio-signature') ?? '', 'base64').toString('hex')
  expect(await outcome(sent({ body, signed: '', headers: { 'x-twilio-signature': hex } }))).toBe(
    'wrong_encoding: hex instead of base64',
  )
  expect(await outcome({ ...right, body: Buffer.from('A=1\n') })).toBe(
    'body_changed: blanks around it were cut or added',
  )
  const past = { retiresAt: '2025-12-31T00:00:00Z' }
  expect(await outcome(right, past)).toBe('secret_retired: one')
  expect(await outcome(right, { activeFrom: '2026-01-02T00:00:00Z' })).toBe('secret_not_active: one')
  expect(await outcome(sent({ body, signed: '', token: 'other' }), past)).toBe('no_active_secret')
})

test('nothing is said that Twilio could take for an instruction', () => {
  expect(preset.replies).toEqual({ accepted: { status: 200, body: '' }, refused: 'nothing' })
})

describe('a message', () => {
  const token = { 'i-twilio-idempotency-token': 'retry-token' }
  const eventOf = (body: string, headers: Record<string, string> = token) =>
    eventsOf(preset, sent({ body, signed: '', headers }))[0]

  test('is named by its status and its id', () => {
    expect(eventOf('MessageSid=SM1&MessageStatus=delivered&AccountSid=AC1&SmsSid=SM1')?.identity).toEqual({
      topic: 'delivered',
      deliveryId: 'retry-token',
      eventId: 'SM1',
      occurredAt: null,
      sender: 'AC1',
    })
    expect(eventOf('CallSid=CA1&CallStatus=ringing')?.identity).toMatchObject({
      topic: 'ringing',
      eventId: 'CA1',
    })
  })

  test('is the same only with the same token and the same body', () => {
    const key = eventOf('CallSid=CA1')?.dedupeKey
    expect(eventOf('CallSid=CA1')?.dedupeKey).toBe(key)
    expect(eventOf('CallSid=CA2')?.dedupeKey).not.toBe(key)
    expect(eventOf('CallSid=CA1', { 'i-twilio-idempotency-token': 'other' })?.dedupeKey).not.toBe(key)
    expect(eventOf('CallSid=CA1', {})?.dedupeKey).toBeNull()
  })
})
