import { sign } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { presetOf } from '../../src/sources/sources.ts'
import { type Keys, rsaKeys } from './certificates.ts'
import { handshakeIn } from './handshakes.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const preset = presetOf('adobe-io-events')
const HOST = 'https://static.adobeioevents.com'
const PATHS = [1, 2].map((number) => `/prod/keys/pub-key-1f7b3a52-0000-4000-8000-00000000000${number}.pem`)
const EVENT = {
  eventid: 'e-1',
  event_id: 'e-1',
  event: {
    id: 'inner',
    type: 'com.adobe.commerce.observer.order',
    source: 'urn:uuid:1',
    time: '2026-01-01T01:00:00Z',
  },
  recipientclientid: 'client-1',
  recipient_client_id: 'client-1',
}

let keys: [Keys, Keys]
let pems: string[]

beforeAll(() => {
  keys = [rsaKeys(), rsaKeys()]
  pems = keys.map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' }).toString())
})

interface Given {
  body?: string
  headers?: Record<string, string>
  without?: string[]
}

function sent({ body = JSON.stringify(EVENT), headers = {}, without = [] }: Given = {}) {
  const [first, second] = keys.map(({ privateKey }) =>
    sign('sha256', Buffer.from(body), privateKey).toString('base64'),
  )
  const all = {
    'content-type': 'application/json',
    'x-adobe-digital-signature-1': first ?? '',
    'x-adobe-digital-signature-2': second ?? '',
    'x-adobe-public-key1-path': PATHS[0] ?? '',
    'x-adobe-public-key2-path': PATHS[1] ?? '',
    ...headers,
  }
  const kept = Object.entries(all).filter(([name]) => !without.includes(name))
  return messageOf({ body, headers: Object.fromEntries(kept) })
}

interface World {
  proof?: object
  documents?: Record<string, string>
}

/** The outcome, with what is at the addresses; every address that was asked for is put into `asked`. */
function outcome(message = sent(), { proof, documents }: World = {}, asked: string[] = []) {
  const held = documents ?? Object.fromEntries(PATHS.map((path, index) => [HOST + path, pems[index] ?? '']))
  return outcomeOf(preset, { clientId: 'client-1', ...proof }, message, {
    async fetchText(url) {
      asked.push(url)
      return held[url]
    },
  })
}

const [SIGNATURE_1, SIGNATURE_2] = ['x-adobe-digital-signature-1', 'x-adobe-digital-signature-2']
const [PATH_1, PATH_2] = ['x-adobe-public-key1-path', 'x-adobe-public-key2-path']
const wrong = Buffer.alloc(256, 1).toString('base64')

describe('one of two signatures suffices', () => {
  test('the first, and then no other key is fetched', async () => {
    const asked: string[] = []
    expect(await outcome(sent({ headers: { [SIGNATURE_2]: wrong } }), {}, asked)).toBe('proven')
    expect(asked).toEqual([HOST + PATHS[0]])
  })

  test('the second, when the first is wrong, missing, malformed, or has no key', async () => {
    expect(await outcome(sent({ headers: { [SIGNATURE_1]: wrong } }))).toBe('proven')
    expect(await outcome(sent({ headers: { [SIGNATURE_1]: 'no base64' } }))).toBe('proven')
    expect(await outcome(sent({ without: [SIGNATURE_1] }))).toBe('proven')
    expect(await outcome(sent({ without: [PATH_1] }))).toBe('proven')
    expect(await outcome(sent({ headers: { [PATH_1]: '/elsewhere.pem' } }))).toBe('proven')
    const documents = { [HOST + PATHS[1]]: pems[1] ?? '' }
    expect(await outcome(sent(), { documents })).toBe('proven')
  })

  test('but not with the key of the other', async () => {
    const headers = { [PATH_1]: PATHS[1] ?? '', [PATH_2]: PATHS[0] ?? '' }
    expect(await outcome(sent({ headers }))).toBe('wrong_secret')
  })
})

describe('a fault is named', () => {
  test('when the signatures are missing, wrong, or of another body', async () => {
    expect(await outcome(sent({ without: [SIGNATURE_1, SIGNATURE_2] }))).toBe(
      'header_missing: x-adobe-digital-signature-1',
    )
    expect(await outcome(sent({ without: [PATH_1, PATH_2] }))).toBe(
      'header_missing: a signature or the path of its key',
    )
    const both = (value: string) => ({ headers: { [SIGNATURE_1]: value, [SIGNATURE_2]: value } })
    expect(await outcome(sent(both('no base64')))).toBe('malformed: the signature is no base64')
    expect(await outcome(sent(both(wrong)))).toBe('wrong_secret')
    const spaced = JSON.stringify(EVENT, null, 1)
    expect(await outcome({ ...sent(), body: Buffer.from(spaced) })).toBe(
      'body_changed: its JSON was written anew',
    )
  })

  test('when a key cannot be had, so that Adobe tries again', async () => {
    expect(await outcome(sent(), { documents: {} })).toBe(`key_unavailable: ${HOST}${PATHS[0]}`)
    const documents = { [HOST + PATHS[0]]: pems[1] ?? '' }
    expect(await outcome(sent(), { documents })).toBe(`key_unavailable: ${HOST}${PATHS[1]}`)
    const pages = Object.fromEntries(PATHS.map((path) => [HOST + path, '<html>']))
    expect(await outcome(sent(), { documents: pages })).toMatch(/^key_unavailable/)
  })

  test('when the document at the path is a private key', async () => {
    const privateKey = keys[0].privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const documents = Object.fromEntries(PATHS.map((path) => [HOST + path, privateKey]))
    expect(await outcome(sent(), { documents })).toMatch(/^key_unavailable/)
  })
})

describe('a key is fetched from Adobe and from nowhere else', () => {
  test.each([
    '@evil.example/k.pem',
    '//evil.example/k.pem',
    '.evil.example/prod/keys/pub-key-1.pem',
    '/prod/keys/../../pub-key-1.pem',
    '/prod/keys/pub-key-1.pem?x',
    '/prod/keys/pub-key-1.pem#x',
    '/prod/keys/pub-key-1.pem/x',
    '/prod/keys/pub-key-.pem',
    '/prod/keys/pub-key-1.PEM',
    '/prod/keys/pub-key-A.pem',
    '/test/keys/pub-key-1.pem',
    '/prod/keys/pub-key-1.pem\n',
    ' /prod/keys/pub-key-1.pem',
    `/prod/keys/pub-key-${'1'.repeat(65)}.pem`,
    '',
  ])('%j', async (path) => {
    const asked: string[] = []
    const message = sent({ headers: { [PATH_1]: path, [PATH_2]: path } })
    expect(await outcome(message, {}, asked)).toBe('unknown_key: the path of the key is none of Adobe')
    expect(asked).toEqual([])
  })

  test('also the key of the stage, and from the older host where the operator says so', async () => {
    const path = '/stage/keys/pub-key-1.pem'
    const asked: string[] = []
    const documents = { [`https://adobeioevents.com${path}`]: pems[0] ?? '' }
    const message = sent({ headers: { [PATH_1]: path } })
    expect(await outcome(message, { documents, proof: { keyHost: 'adobeioevents.com' } }, asked)).toBe(
      'proven',
    )
    expect(asked).toEqual([`https://adobeioevents.com${path}`])
    expect(preset.proof?.schema.safeParse({ clientId: 'x', keyHost: 'evil.example' }).success).toBe(false)
  })

  test('and not at all for who does not know the client id', async () => {
    const asked: string[] = []
    const message = sent({ body: JSON.stringify({ ...EVENT, recipientclientid: 'guessed' }) })
    expect(await outcome(message, {}, asked)).toBe('wrong_recipient')
    expect(asked).toEqual([])
  })
})

describe('an event of another client is refused', () => {
  const addressed = (...events: object[]) =>
    outcome(sent({ body: JSON.stringify(events.length === 1 ? events[0] : events) }))

  test('by the new name of the recipient, the old one, or both', async () => {
    const { recipientclientid: _new, recipient_client_id: _old, ...unaddressed } = EVENT
    expect(await addressed({ ...unaddressed, recipientclientid: 'client-1' })).toBe('proven')
    expect(await addressed({ ...unaddressed, recipient_client_id: 'client-1' })).toBe('proven')
    expect(await addressed({ ...EVENT, recipientclientid: 'other' })).toBe('wrong_recipient')
    expect(await addressed({ ...EVENT, recipient_client_id: 'other' })).toBe('wrong_recipient')
    expect(await addressed({ ...EVENT, recipientclientid: null })).toBe('wrong_recipient')
    expect(await addressed(unaddressed)).toBe('wrong_recipient: no recipientclientid in the event')
  })

  test('in any place of a batch', async () => {
    const other = { ...EVENT, recipientclientid: 'other' }
    expect(await addressed(EVENT, EVENT)).toBe('proven')
    expect(await addressed(EVENT, other)).toBe('wrong_recipient')
    expect(await addressed(EVENT, {})).toMatch(/^wrong_recipient/)
  })

  test('and a body without any event is malformed', async () => {
    expect(await outcome(sent({ body: '[]' }))).toBe('malformed: no event in the body')
    expect(await outcome(sent({ body: 'no json' }))).toBe('malformed: no event in the body')
    expect(await outcome(sent({ body: '"text"' }))).toMatch(/^wrong_recipient/)
  })
})

describe('the challenge', () => {
  const UUID = '8ec8d794-e0ab-42df-9017-e3dada8e84f7'
  const asked = (query: string, method = 'GET') =>
    handshakeIn(preset, messageOf({ method, url: `https://a.example/integration/abc?${query}` }))

  test('is answered as JSON, before any proof', () => {
    expect(asked(`challenge=${UUID}`)).toEqual({
      kind: 'challenge',
      asked: 'before proof',
      reply: { status: 200, contentType: 'application/json', body: `{"challenge":"${UUID}"}` },
    })
  })

  test('is one uuid and nothing else, so that nobody chooses what we say', () => {
    for (const query of [
      '',
      'challenge=',
      'challenge=<script>',
      `challenge=${UUID}x`,
      `challenge=x${UUID}`,
      `challenge=${UUID}%0A`,
      `challenge=${UUID}&challenge=${UUID}`,
      `other=${UUID}`,
    ])
      expect(asked(query), query).toBeUndefined()
    expect(asked(`challenge=${UUID}`, 'POST')).toBeUndefined()
  })
})

describe('the validation address', () => {
  const VALIDATION = 'https://csm.adobe.io/csm/registrations/validate?id=1&challenge=2'
  const posted = (body: unknown, method = 'POST') =>
    handshakeIn(
      preset,
      messageOf({ method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    )

  test('is shown to the operator, and answered with 200', () => {
    expect(posted({ validationUrl: VALIDATION })).toEqual({
      kind: 'validation',
      asked: 'before proof',
      note: { validationUrl: VALIDATION },
    })
    expect(preset.replies.accepted.status).toBe(200)
  })

  test('is at Adobe and nowhere else', () => {
    for (const validationUrl of [
      VALIDATION.replace('https:', 'http:'),
      VALIDATION.replace('.io', '.io.evil.example'),
      VALIDATION.replace('.io', '.io:8443'),
      VALIDATION.replace('//', '//user@'),
      VALIDATION.replace('//', '//:pass@'),
      VALIDATION.replace('//', '//evil.example\\@'),
      VALIDATION.replace('csm.', 'xcsm.'),
      'javascript:alert(1)',
      '',
      7,
      null,
    ])
      expect(posted({ validationUrl }), String(validationUrl)).toBeUndefined()
  })

  test('comes alone: an event is never taken for it', () => {
    expect(posted({ ...EVENT, validationUrl: VALIDATION })).toBeUndefined()
    expect(posted([{ validationUrl: VALIDATION }])).toBeUndefined()
    expect(posted({ validationUrl: `${VALIDATION}${'x'.repeat(2_000)}` })).toBeUndefined()
    expect(posted({ validationUrl: VALIDATION }, 'GET')).toBeUndefined()
  })
})

test('Adobe is asked to try again with 503', () => {
  expect(preset.replies).toMatchObject({ retryStatus: 503, accepted: { status: 200 } })
})

describe('the events of a message', () => {
  const headers = {
    'x-adobe-event-id': 'from the header',
    'x-adobe-event-code': 'code',
    'x-adobe-delivery-id': 'd-1',
  }

  test('are named by what is signed', () => {
    expect(eventsOf(preset, sent({ headers }))[0]?.identity).toEqual({
      topic: 'com.adobe.commerce.observer.order',
      deliveryId: 'd-1',
      eventId: 'e-1',
      occurredAt: '2026-01-01T01:00:00.000Z',
      sender: 'urn:uuid:1',
    })
    const flat = { type: 't', time: '2026-01-01T01:00:00Z', source: 's', event_id: 'e-2' }
    expect(eventsOf(preset, sent({ body: JSON.stringify(flat) }))[0]?.identity).toMatchObject({
      topic: 't',
      eventId: 'e-2',
      sender: 's',
    })
  })

  test('are named by a header only where a header can mean one of them', () => {
    expect(eventsOf(preset, sent({ body: '{}', headers }))[0]?.identity).toMatchObject({
      eventId: 'from the header',
      topic: 'code',
    })
    const batch = eventsOf(preset, sent({ body: '[{},{}]', headers }))
    expect(batch.map(({ identity }) => [identity.eventId, identity.topic])).toEqual([
      [null, null],
      [null, null],
    ])
    expect(batch.map(({ dedupeKey }) => dedupeKey)).toEqual([null, null])
  })

  test('are each known by its own id, alone or in a batch', () => {
    const second = { ...EVENT, eventid: 'e-2', event_id: 'e-2' }
    const batch = eventsOf(preset, sent({ body: JSON.stringify([EVENT, second]) }))
    expect(batch.map(({ identity }) => identity.eventId)).toEqual(['e-1', 'e-2'])
    const [alone] = eventsOf(preset, sent())
    expect(alone?.dedupeKey).toBe(batch[0]?.dedupeKey)
    expect(alone?.dedupeKey).not.toBe(batch[1]?.dedupeKey)
  })
})
