import { createHash, createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { presetOf } from '../../src/sources/sources.ts'
import { eventsOf, type GivenMessage, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const preset = presetOf('hubspot')
const SECRET = 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy'
const URL = 'https://www.example.com/webhook_uri'
const NOW = 1_767_225_600
const EVENT = {
  eventId: 1,
  subscriptionId: 12345,
  portalId: 62515,
  occurredAt: 1564113600000,
  subscriptionType: 'contact.creation',
  attemptNumber: 0,
  objectId: 123,
}
const BODY = JSON.stringify([EVENT])

interface Changed extends GivenMessage {
  timestamp?: string
  /** The address that is signed, where it is another than the one that is called. */
  signedUrl?: string
  secret?: string
}

function v3({ timestamp = `${NOW}000`, secret = SECRET, ...given }: Changed = {}) {
  const { method = 'POST', url = URL, body = BODY, signedUrl = url, headers } = given
  const signature = createHmac('sha256', secret)
    .update(method + signedUrl + body + timestamp)
    .digest('base64')
  return messageOf({
    url,
    body,
    now: NOW,
    ...given,
    headers: {
      'content-type': 'application/json',
      'x-hubspot-request-timestamp': timestamp,
      'x-hubspot-signature-v3': signature,
      ...headers,
    },
  })
}

function older(
  version: 'v1' | 'v2',
  { secret = SECRET, body = BODY, url = URL, headers = {} }: Changed = {},
) {
  const signature = createHash('sha256')
    .update(secret + (version === 'v1' ? '' : `POST${url}`))
    .update(body)
    .digest('hex')
  const signed = { 'x-hubspot-signature': signature, 'x-hubspot-signature-version': version, ...headers }
  return messageOf({ url, body, now: NOW, headers: { 'content-type': 'application/json', ...signed } })
}

const outcome = (message = v3(), more = {}) =>
  outcomeOf(preset, { secrets: [{ id: 'one', secret: SECRET }], ...more }, message)

describe('signature v3', () => {
  test('covers method, address, body and time', async () => {
    expect(await outcome()).toBe('proven')
    expect(await outcome({ ...v3(), method: 'PUT' })).toBe('wrong_secret')
    expect(await outcome({ ...v3(), url: URL.replace('https', 'http') })).toBe('wrong_secret')
    expect(await outcome({ ...v3(), url: `${URL}?a=1` })).toBe('wrong_secret')
    expect(await outcome({ ...v3(), body: Buffer.from('[]') })).toBe('wrong_secret')
  })

  test('is made of the address with twelve escapes undone and no others', async () => {
    const url = `${URL}?a=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B&b=%20%26%3D%23%25%2B%3a`
    const signedUrl = `${URL}?a=:/?@!$'()*,;&b=%20%26%3D%23%25%2B%3a`
    expect(await outcome(v3({ url, signedUrl }))).toBe('proven')
    expect(await outcome(v3({ url }))).toBe('wrong_secret')
    expect(await outcome(v3({ url: `${URL}?a=%253A`, signedUrl: `${URL}?a=%253A` }))).toBe('proven')
  })

  test('is good for five minutes, or for as long as is said', async () => {
    expect(await outcome(v3({ now: NOW + 300 }))).toBe('proven')
    expect(await outcome(v3({ now: NOW + 301 }))).toBe('too_old: 301 s old')
    expect(await outcome(v3({ now: NOW - 301 }))).toBe('too_new: 301 s ahead')
    const brief = { toleranceSeconds: 10 }
    expect(await outcome(v3({ now: NOW + 11 }), brief)).toBe('too_old: 11 s old')
  })

  test('names its fault', async () => {
    expect(await outcome(messageOf({ body: BODY }))).toBe('header_missing: X-HubSpot-Signature-v3')
    const untimed = messageOf({ body: BODY, headers: { 'x-hubspot-signature-v3': 'x' } })
    expect(await outcome(untimed)).toBe('header_missing: X-HubSpot-Request-Timestamp')
    expect(await outcome(v3({ timestamp: '2026-01-01' }))).toBe(
      'malformed: X-HubSpot-Request-Timestamp is no Unix time',
    )
    expect(await outcome(v3({ secret: 'other' }))).toBe('wrong_secret')
    const past = { retiresAt: '2025-12-31T00:00:00Z' }
    const secrets = (more: object) => ({ secrets: [{ id: 'one', secret: SECRET, ...more }] })
    expect(await outcome(v3(), secrets(past))).toBe('secret_retired: one')
    expect(await outcome(v3(), secrets({ activeFrom: '2026-01-02T00:00:00Z' }))).toBe(
      'secret_not_active: one',
    )
    expect(await outcome(v3({ secret: 'other' }), secrets(past))).toBe('no_active_secret')
  })
})

describe('older signatures', () => {
  test('are not believed unless the operator says so', async () => {
    expect(await outcome(older('v1'))).toBe('header_missing: X-HubSpot-Signature-v3')
    expect(await outcome(older('v2'))).toBe('header_missing: X-HubSpot-Signature-v3')
    expect(await outcome(older('v1'), { versions: ['v1'] })).toBe('proven')
    expect(await outcome(older('v2'), { versions: ['v3', 'v2'] })).toBe('proven')
  })

  test('are those of the version that they say they are, and that one is believed', async () => {
    const said = (version: string) => ({ headers: { 'x-hubspot-signature-version': version } })
    expect(await outcome(older('v1'), { versions: ['v2'] })).toBe(
      'wrong_algorithm: X-HubSpot-Signature is v1, believed are v2',
    )
    expect(await outcome(older('v1', said('v2')), { versions: ['v1', 'v2'] })).toBe('wrong_secret')
    expect(await outcome(older('v1', said('v3')), { versions: ['v3', 'v1'] })).toMatch(/^wrong_algorithm/)
    expect(await outcome(older('v1', said('v4')), { versions: ['v1'] })).toMatch(/^wrong_algorithm/)
  })

  test('cover what they cover', async () => {
    const other = { url: `${URL}?x` }
    expect(await outcome({ ...older('v2'), ...other }, { versions: ['v2'] })).toBe('wrong_secret')
    expect(await outcome({ ...older('v1'), body: Buffer.from('[]') }, { versions: ['v1'] })).toBe(
      'wrong_secret',
    )
    const { covers } = preset.proof ?? {}
    if (typeof covers !== 'function') throw new Error('what is covered depends on the versions')
    const given = (versions: string[]) => preset.proof?.schema.parse({ secrets: [{ secret: 'x' }], versions })
    expect(covers(given(['v3']))).toEqual({
      body: 'bytes',
      headers: ['x-hubspot-request-timestamp'],
      url: true,
    })
    expect(covers(given(['v3', 'v2']))).toEqual({ body: 'bytes', headers: [], url: true })
    expect(covers(given(['v3', 'v1']))).toEqual({ body: 'bytes', headers: [], url: false })
  })

  test('do not help where a v3 signature is there and wrong', async () => {
    const versions = ['v3', 'v2', 'v1']
    const signature = older('v1').header('x-hubspot-signature') ?? ''
    const headers = { 'x-hubspot-signature': signature, 'x-hubspot-signature-version': 'v1' }
    expect(await outcome(v3({ headers }), { versions })).toBe('proven')
    expect(await outcome(v3({ headers, secret: 'other' }), { versions })).toBe('wrong_secret')
    expect(await outcome(v3({ headers, now: NOW + 301 }), { versions })).toBe('too_old: 301 s old')
  })

  test('name their fault', async () => {
    const versions = ['v2', 'v1']
    expect(await outcome(messageOf({ body: BODY }), { versions })).toBe('header_missing: X-HubSpot-Signature')
    const unsaid = messageOf({ body: BODY, headers: { 'x-hubspot-signature': 'x' } })
    expect(await outcome(unsaid, { versions })).toBe('header_missing: X-HubSpot-Signature-Version')
    expect(await outcome(older('v1', { secret: 'other' }), { versions })).toBe('wrong_secret')
  })

  test('are not believed over a body with a zero byte, as one has that somebody else added to', async () => {
    const added = older('v1', { body: `${BODY}\u0080\u0000\u0000["more"]` })
    expect(await outcome(added, { versions: ['v1'] })).toBe('malformed: the body has a zero byte')
  })
})

test('a request without a signature that is believed can be refused unread', () => {
  const { signedBy, schema } = preset.proof ?? {}
  if (typeof signedBy !== 'function') throw new Error('signedBy depends on the versions')
  const given = (versions?: string[]) => schema?.parse({ secrets: [{ secret: 'x' }], versions })
  expect(signedBy(given())).toEqual(['x-hubspot-signature-v3'])
  expect(signedBy(given(['v1']))).toEqual(['x-hubspot-signature'])
  expect(signedBy(given(['v3', 'v2']))).toEqual(['x-hubspot-signature-v3', 'x-hubspot-signature'])
})

describe('the events of a message', () => {
  test('are the elements of the body', () => {
    const body = JSON.stringify([EVENT, { ...EVENT, eventId: 2 }])
    const events = eventsOf(preset, v3({ body }))
    expect(events.map(({ identity }) => identity.eventId)).toEqual(['1', '2'])
    expect(events[0]?.identity).toEqual({
      topic: 'contact.creation',
      deliveryId: null,
      eventId: '1',
      occurredAt: '2019-07-26T04:00:00.000Z',
      sender: '62515',
    })
  })

  test('are one where the body is no list', () => {
    expect(eventsOf(preset, v3({ body: '{"example_field":"example_value"}' }))).toHaveLength(1)
  })

  test('are the same in every attempt, and not for the sake of their id alone', () => {
    const keyOf = (change: object) =>
      eventsOf(preset, v3({ body: JSON.stringify([{ ...EVENT, ...change }]) }))[0]?.dedupeKey
    expect(keyOf({ attemptNumber: 3 })).toBe(keyOf({}))
    const changes = [{ portalId: 1 }, { subscriptionId: 1 }, { eventId: 2 }, { occurredAt: 1564113600001 }]
    const keys = [{}, ...changes].map(keyOf)
    expect(new Set(keys).size).toBe(keys.length)
    expect(keyOf({ eventId: undefined })).toBeNull()
  })
})
