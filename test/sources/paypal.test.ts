import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { presetOf } from '../../src/sources/sources.ts'
import { certificateOf, type Holder, rsaKeys } from './certificates.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const preset = presetOf('paypal')
const WEBHOOK_ID = '1JE4291016473214C'
const CERTIFICATE_URL = 'https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77'
const NAME = 'messageverificationcerts.paypal.com'
/** Its CRC-32 has the highest bit set, so that it would be negative as a signed number. */
const BODY = '{"id":"WH-2","create_time":"2026-01-01T00:00:00.000Z","event_type":"PAYMENT.CAPTURE.COMPLETED"}'

let root: Holder
let middle: Holder
let paypal: Holder
let rootPem: string
let middlePem: string
let leafPem: string

beforeAll(() => {
  root = { name: 'Root', keys: rsaKeys() }
  middle = { name: 'Middle', keys: rsaKeys() }
  paypal = { name: NAME, keys: rsaKeys() }
  rootPem = certificateOf(root, root, { isAuthority: true })
  middlePem = certificateOf(middle, root, { isAuthority: true })
  leafPem = certificateOf(paypal, middle)
})

interface Given {
  body?: string
  key?: KeyObject
  webhookId?: string
  headers?: Record<string, string>
  without?: string
  now?: number
}

function sent({ body = BODY, key, webhookId = WEBHOOK_ID, headers = {}, without, now }: Given = {}) {
  const [id, time] = ['69cd13f0-d67a-11e5', '2026-01-01T00:00:01Z']
  const text = `${id}|${time}|${webhookId}|${crc32(body)}`
  const all = {
    'content-type': 'application/json',
    'paypal-transmission-id': id,
    'paypal-transmission-time': time,
    'paypal-transmission-sig': sign('sha256', Buffer.from(text), key ?? paypal.keys.privateKey).toString(
      'base64',
    ),
    'paypal-auth-algo': 'SHA256withRSA',
    'paypal-cert-url': CERTIFICATE_URL,
    ...headers,
  }
  const kept = Object.fromEntries(Object.entries(all).filter(([name]) => name !== without))
  return messageOf({ body, headers: kept, ...(now !== undefined && { now }) })
}

interface World {
  proof?: object
  documents?: Record<string, string>
  roots?: string[]
}

/** The outcome, with what is at the addresses; every address that was asked for is put into `asked`. */
function outcome(
  message = sent(),
  { proof, documents, roots = [rootPem] }: World = {},
  asked: string[] = [],
) {
  const held = documents ?? { [CERTIFICATE_URL]: leafPem + middlePem }
  return outcomeOf(preset, { webhookId: WEBHOOK_ID, ...proof }, message, {
    async fetchText(url) {
      asked.push(url)
      return held[url]
    },
    rootCertificates: roots,
  })
}

describe('a message is proven', () => {
  test('by a certificate that leads to a root', async () => {
    expect(crc32(BODY)).toBeGreaterThan(2 ** 31)
    expect(await outcome()).toBe('proven')
  })

  test('with the certificate of the sandbox', async () => {
    const url = CERTIFICATE_URL.replace('api.', 'api.sandbox.')
    const sandbox = { name: 'messageverificationcerts.sandbox.paypal.com', keys: paypal.keys }
    const documents = { [url]: certificateOf(sandbox, middle) + middlePem }
    expect(await outcome(sent({ headers: { 'paypal-cert-url': url } }), { documents })).toBe('proven')
  })

  test('with intermediate certificates that the operator gave', async () => {
    const documents = { [CERTIFICATE_URL]: leafPem }
    expect(await outcome(sent(), { documents })).toMatch(/^wrong_certificate/)
    expect(await outcome(sent(), { documents, proof: { intermediates: middlePem } })).toBe('proven')
  })
})

describe('a message is not proven', () => {
  test('when webhook, body, id or time is another', async () => {
    expect(await outcome(sent({ webhookId: 'OTHER' }))).toBe('wrong_secret')
    expect(await outcome({ ...sent(), body: Buffer.from('{}') })).toBe('wrong_secret')
    for (const name of ['paypal-transmission-id', 'paypal-transmission-time'])
      expect(await outcome(sent({ headers: { [name]: 'other' } }))).toBe('wrong_secret')
  })

  test('when the body was written anew', async () => {
    const message = { ...sent(), body: Buffer.from(JSON.stringify(JSON.parse(BODY), null, 1)) }
    expect(await outcome(message)).toBe('body_changed: its JSON was written anew')
  })

  test('when another key signed it', async () => {
    expect(await outcome(sent({ key: middle.keys.privateKey }))).toBe('wrong_secret')
  })

  test.each([
    'paypal-transmission-sig',
    'paypal-transmission-id',
    'paypal-transmission-time',
    'paypal-auth-algo',
    'paypal-cert-url',
  ])('without %s', async (without) => {
    expect(await outcome(sent({ without }))).toBe(`header_missing: ${without}`)
  })

  test('when it names another algorithm', async () => {
    const headers = { 'paypal-auth-algo': 'SHA1withRSA' }
    expect(await outcome(sent({ headers }))).toBe('wrong_algorithm: paypal-auth-algo: SHA1withRSA')
  })

  test('when signature, id or time is malformed', async () => {
    const asked: string[] = []
    for (const headers of [
      { 'paypal-transmission-sig': 'no base64' },
      { 'paypal-transmission-sig': '' },
      { 'paypal-transmission-id': 'a|b' },
      { 'paypal-transmission-time': 'a|b' },
    ])
      expect(await outcome(sent({ headers }), {}, asked)).toMatch(/^malformed/)
    expect(asked).toEqual([])
  })
})

describe('a certificate is fetched from PayPal and from nowhere else', () => {
  test.each([
    CERTIFICATE_URL.replace('https:', 'http:'),
    CERTIFICATE_URL.replace('.com', '.com.evil.example'),
    CERTIFICATE_URL.replace('api.paypal', 'notpaypal'),
    CERTIFICATE_URL.replace('.com', '.com:8443'),
    CERTIFICATE_URL.replace('.com', '.com.'),
    CERTIFICATE_URL.replace('//', '//paypal.com@evil.example#'),
    CERTIFICATE_URL.replace('//', '//user:pass@'),
    CERTIFICATE_URL.replace('//', '//evil.example\\@'),
    CERTIFICATE_URL.replace('/v1/', '/v1/../v1/'),
    CERTIFICATE_URL.replace('/CERT-', '/..%2fCERT-'),
    CERTIFICATE_URL.replace('/CERT-', '/KEY-'),
    CERTIFICATE_URL.replace('/notifications', ''),
    `${CERTIFICATE_URL}?url=https://evil.example`,
    `${CERTIFICATE_URL}#x`,
    `${CERTIFICATE_URL}/x`,
    ` ${CERTIFICATE_URL}`,
    CERTIFICATE_URL.toUpperCase(),
    'https://api.paypal.com/cert.pem',
    '/v1/notifications/certs/CERT-1',
    '',
  ])('%s', async (url) => {
    const asked: string[] = []
    expect(await outcome(sent({ headers: { 'paypal-cert-url': url } }), {}, asked)).toBe(
      'wrong_certificate: paypal-cert-url is none of PayPal',
    )
    expect(asked).toEqual([])
  })

  test('and when it cannot be had, PayPal is to try again', async () => {
    expect(await outcome(sent(), { documents: {} })).toBe(`key_unavailable: ${CERTIFICATE_URL}`)
  })
})

describe('a certificate does not prove the sender', () => {
  const withPem = (pem: string, more: World = {}) =>
    outcome(sent(), { documents: { [CERTIFICATE_URL]: pem }, ...more })

  test('when there is none', async () => {
    expect(await withPem('<html>')).toBe(`wrong_certificate: no certificate at ${CERTIFICATE_URL}`)
  })

  test('when it is made out to another, whom a public authority knows', async () => {
    const other = certificateOf({ ...paypal, name: 'messageverificationcerts.evil.example' }, middle)
    expect(await withPem(other + middlePem)).toBe(
      'wrong_certificate: made out to CN=messageverificationcerts.evil.example',
    )
    const proof = { certificateNames: ['messageverificationcerts.evil.example'] }
    expect(await withPem(other + middlePem, { proof })).toBe('proven')
  })

  test('when it is made out to all names of PayPal at once', async () => {
    const wildcard = certificateOf({ ...paypal, name: '*.paypal.com' }, middle)
    expect(await withPem(wildcard + middlePem)).toMatch(/^wrong_certificate: made out to/)
  })

  test('when it leads to no known root', async () => {
    const forged = certificateOf(paypal, paypal, { isAuthority: true })
    expect(await withPem(forged)).toMatch(/^wrong_certificate: the chain/)
    expect(await withPem(leafPem + middlePem, { roots: [] })).toMatch(/^wrong_certificate: the chain/)
  })

  test('when it has run out at the time the message is received', async () => {
    const brief = certificateOf(paypal, middle, { until: new Date('2026-01-02') }) + middlePem
    expect(await withPem(brief)).toBe('proven')
    const late = sent({ now: Date.parse('2026-01-03') / 1000 })
    expect(await outcome(late, { documents: { [CERTIFICATE_URL]: brief } })).toMatch(
      /^wrong_certificate: the certificate is valid from/,
    )
  })

  test('when its key is not RSA, or too short', async () => {
    const fault = 'wrong_certificate: its key is no RSA key of 2048 bits'
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    expect(await withPem(certificateOf({ name: NAME, keys: curve }, middle) + middlePem)).toBe(fault)
    const short = certificateOf({ name: NAME, keys: rsaKeys(1024) }, middle)
    expect(await withPem(short + middlePem)).toBe(fault)
  })
})

test('an event is named by its body, and known by its id', () => {
  const [event] = eventsOf(preset, sent())
  expect(event?.identity).toEqual({
    topic: 'PAYMENT.CAPTURE.COMPLETED',
    deliveryId: '69cd13f0-d67a-11e5',
    eventId: 'WH-2',
    occurredAt: '2026-01-01T00:00:00.000Z',
    sender: null,
  })
  const again = sent({ headers: { 'paypal-transmission-id': 'another' } })
  expect(eventsOf(preset, again)[0]?.dedupeKey).toBe(event?.dedupeKey)
  expect(eventsOf(preset, sent({ body: '{"id":"WH-3"}' }))[0]?.dedupeKey).not.toBe(event?.dedupeKey)
  expect(eventsOf(preset, sent({ body: '{}' }))[0]?.dedupeKey).toBeNull()
})

test('what is no proof is not saved', () => {
  const isProof = (more: object) => preset.proof?.schema.safeParse({ webhookId: WEBHOOK_ID, ...more }).success
  expect(isProof({})).toBe(true)
  expect(isProof({ webhookId: 'a|b' })).toBe(false)
  expect(isProof({ certificateNames: [] })).toBe(false)
  expect(isProof({ intermediates: 'no certificate' })).toBe(false)
})
