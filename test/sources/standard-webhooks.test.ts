import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/standard-webhooks.ts'
import { eventsOf, type GivenMessage, messageOf } from './messages.ts'
import { outcomeOf, verdictOn } from './verdicts.ts'

const NOW = 1767225600
const KEY = Buffer.from('thirty-two bytes of a secret key')
const SECRET = `whsec_${KEY.toString('base64')}`
const BODY = '{"type": "invoice.paid", "timestamp": "2025-12-31T23:59:00Z", "data": {"id": 1}}'

const pair = generateKeyPairSync('ed25519')
const publicBytes = Buffer.from(pair.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
const PUBLIC = `whpk_${publicBytes.toString('base64')}`

interface Given extends GivenMessage {
  id?: string
  timestamp?: string
  key?: Buffer | string
  signedBody?: string
  prefix?: string
}

function v1({ id = 'msg_1', timestamp = String(NOW), key = KEY, body = BODY, signedBody }: Given = {}) {
  return createHmac('sha256', key).update(`${id}.${timestamp}.${signedBody ?? body}`)
}

function v1a({ id = 'msg_1', timestamp = String(NOW), body = BODY }: Given = {}) {
  return sign(null, Buffer.from(`${id}.${timestamp}.${body}`), pair.privateKey).toString('base64')
}

/** A message that is signed by `v1` unless another signature is given. */
function sent(given: Given = {}, signature = `v1,${v1(given).digest('base64')}`, more = {}) {
  const { id = 'msg_1', timestamp = String(NOW), prefix = 'webhook-', body = BODY, now = NOW } = given
  const headers = {
    'content-type': 'application/json',
    [`${prefix}id`]: id,
    [`${prefix}timestamp`]: timestamp,
    [`${prefix}signature`]: signature,
    ...more,
  }
  return messageOf({ headers, body, now })
}

const proof = (more = {}) => ({ secrets: [{ secret: SECRET }], ...more })
const outcome = (message = sent(), given: object = proof()) => outcomeOf(preset, given, message)

describe('Standard Webhooks takes', () => {
  test('what the libraries of the specification sign, by a secret and by a key pair', async () => {
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
    }
    const body = '{"test": 2432232314}'
    const symmetric = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    const asymmetric =
      'v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=='
    const secrets = [
      { id: 'hmac', secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
      { id: 'pair', secret: 'whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g=' },
    ]
    for (const [signature, id] of [
      [symmetric, 'hmac'],
      [asymmetric, 'pair'],
    ] as const) {
      const message = messageOf({
        headers: { ...headers, 'webhook-signature': signature },
        body,
        now: 1614265330,
      })
      expect(await verdictOn(preset, { secrets }, message)).toMatchObject({ proven: true, secret: { id } })
    }
  })

  test.each([1, 16, 23, 24, 32, 64, 75])(
    'a secret of %d bytes, with prefix or padding or without',
    async (length) => {
      const key = Buffer.alloc(length, 7)
      const text = key.toString('base64')
      for (const secret of [
        `whsec_${text}`,
        text,
        `whsec_${text.replace(/=+$/, '')}`,
        text.replace(/=+$/, ''),
      ])
        expect(await outcome(sent({ key }), { secrets: [{ secret }] })).toBe('proven')
    },
  )

  test('one right signature among others, of versions known and unknown', async () => {
    const right = v1().digest('base64')
    const wrong = v1({ key: 'another' }).digest('base64')
    for (const signature of [
      `v1,${wrong} v2,${right} v1,${right}`,
      `v1a,${wrong} v1,${right}`,
      `v1,${wrong} v1a,${v1a()} v3x,${right}`,
    ]) {
      const secrets = [{ secret: SECRET }, { secret: PUBLIC }]
      expect(await outcome(sent({}, signature), { secrets })).toBe('proven')
    }
  })

  test('headers that are called svix-, where the setting says so', async () => {
    const svix = proof({ headerPrefix: 'svix-' })
    expect(await outcome(sent({ prefix: 'svix-' }), svix)).toBe('proven')
    expect(await outcome(sent({ prefix: 'svix-' }))).toBe('header_missing: webhook-signature')
    expect(await outcome(sent(), svix)).toBe('header_missing: svix-signature')
    const { signedBy, covers } = preset.proof ?? {}
    expect(typeof signedBy === 'function' && signedBy(svix)).toEqual(['svix-signature'])
    expect(typeof covers === 'function' && covers(svix).headers).toEqual(['svix-id', 'svix-timestamp'])
  })

  test('the other family of headers beside the signed one only with the same id', async () => {
    expect(await outcome(sent({}, undefined, { 'svix-id': 'msg_1' }))).toBe('proven')
    expect(await outcome(sent({}, undefined, { 'svix-id': 'msg_2' }))).toBe(
      'malformed: webhook-id and svix-id differ',
    )
    const svix = proof({ headerPrefix: 'svix-' })
    expect(await outcome(sent({ prefix: 'svix-' }, undefined, { 'webhook-id': 'msg_2' }), svix)).toBe(
      'malformed: webhook-id and svix-id differ',
    )
  })

  test('times within the tolerance, both ways', async () => {
    for (const seconds of [-300, 0, 300]) expect(await outcome(sent({ now: NOW + seconds }))).toBe('proven')
    expect(await outcome(sent({ now: NOW + 301 }))).toBe('too_old: 301 s old')
    expect(await outcome(sent({ now: NOW - 301 }))).toBe('too_new: 301 s ahead')
    const wide = proof({ toleranceSeconds: 600 })
    expect(await outcome(sent({ now: NOW + 600 }), wide)).toBe('proven')
    expect(await outcome(sent({ now: NOW - 601 }), wide)).toBe('too_new: 601 s ahead')
  })

  test('a secret that is text where the setting says so, and tells when it is the other kind', async () => {
    const text = KEY.toString('base64')
    const asText = { secrets: [{ secret: text }], secretIs: 'text' }
    const asBase64 = { secrets: [{ secret: text }] }
    expect(await outcome(sent({ key: text }), asText)).toBe('proven')
    expect(await outcome(sent({ key: text }), asBase64)).toBe(
      'wrong_secret: it is right where secretIs is text',
    )
    expect(await outcome(sent(), asText)).toBe('wrong_secret: it is right where secretIs is base64')
    const notBase64 = { secrets: [{ secret: 'polar_whs_no-base64' }], secretIs: 'text' }
    expect(await outcome(sent({ key: 'polar_whs_no-base64' }), notBase64)).toBe('proven')
    expect(await outcome(sent(), notBase64)).toBe('wrong_secret')
    const noPublicKey = { secrets: [{ secret: 'whpk_short' }], secretIs: 'text' }
    expect(await outcome(sent(), noPublicKey)).toBe('wrong_secret')
  })
})

describe('Standard Webhooks refuses', () => {
  test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
    'a message without %s',
    async (name) => {
      const whole = sent()
      const message = {
        ...whole,
        header: (asked: string) => (asked === name ? undefined : whole.header(asked)),
      }
      expect(await outcome(message)).toBe(`header_missing: ${name}`)
    },
  )

  test('an id with a dot, though it is signed', async () => {
    expect(await outcome(sent({ id: 'msg.1' }))).toBe('malformed: webhook-id has a dot')
  })

  test.each(['', ' 1767225600', '1767225600.0', '-1767225600', '1e9', '0x69', '2026-01-01T00:00:00Z'])(
    'a timestamp that is not all digits: "%s"',
    async (timestamp) => {
      expect(await outcome(sent({ timestamp }))).toBe('malformed: webhook-timestamp is no Unix time')
    },
  )

  test('what no signature is, too many of them, and versions that nobody knows', async () => {
    const right = v1().digest('base64')
    expect(await outcome(sent({}, right))).toBe('malformed: no signature of the form v1,…')
    expect(await outcome(sent({}, ''))).toBe('malformed: no signature of the form v1,…')
    expect(await outcome(sent({}, `v2,${right} v0,${right}`))).toBe(
      'wrong_algorithm: no signature of version v1 or v1a',
    )
    const others = Array(19).fill('v1,AAAA').join(' ')
    expect(await outcome(sent({}, `${others} v1,${right}`))).toBe('proven')
    expect(await outcome(sent({}, `${others} v1,AAAA v1,${right}`))).toBe(
      'malformed: more than 20 signatures',
    )
  })

  test('a version for which it has no key', async () => {
    expect(await outcome(sent({}, `v1a,${v1a()}`))).toMatch(/^wrong_algorithm: signed by v1a.*whpk_/)
    expect(await outcome(sent(), { secrets: [{ secret: PUBLIC }] })).toMatch(
      /^wrong_algorithm: signed by v1,.*whsec_/,
    )
    // A digest that is right counts under its own version only.
    expect(await outcome(sent({}, `v1a,${v1().digest('base64')}`))).toMatch(/^wrong_algorithm/)
  })

  test('a signature by another secret or key pair', async () => {
    expect(await outcome(sent({ key: 'another' }))).toBe('wrong_secret')
    const other = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x ?? ''
    const secrets = [{ secret: `whpk_${Buffer.from(other, 'base64url').toString('base64')}` }]
    expect(await outcome(sent({}, `v1a,${v1a()}`), { secrets })).toBe('wrong_secret')
  })

  test('a signature of a key pair that is not written in its one form, or of another length', async () => {
    const secrets = [{ secret: PUBLIC }]
    const right = v1a()
    expect(await outcome(sent({}, `v1a,${right}`), { secrets })).toBe('proven')
    const bytes = Buffer.from(right, 'base64')
    for (const written of [
      right.replace(/=+$/, ''),
      `${right}=`,
      bytes.toString('base64url'),
      bytes.toString('hex'),
      bytes.subarray(0, 63).toString('base64'),
      Buffer.concat([bytes, bytes]).toString('base64'),
      '',
    ])
      expect(await outcome(sent({}, `v1a,${written}`), { secrets })).toBe('wrong_secret')
  })

  test('the right digest in another encoding, and says in which', async () => {
    expect(await outcome(sent({}, `v1,${v1().digest('hex')}`))).toBe('wrong_encoding: hex instead of base64')
  })

  test('a body that was written anew on the way, and says so', async () => {
    const compact = JSON.stringify(JSON.parse(BODY))
    expect(await outcome(sent({ signedBody: compact }))).toBe('body_changed: its JSON was written anew')
  })

  test('secrets outside of their time, and says which', async () => {
    const past = '2025-12-31T00:00:00Z'
    const coming = '2026-01-02T00:00:00Z'
    const of = (more: object, secret = SECRET) => ({ secrets: [{ id: 'one', secret, ...more }] })
    expect(await outcome(sent(), of({ retiresAt: past }))).toBe('secret_retired: one')
    expect(await outcome(sent(), of({ activeFrom: coming }))).toBe('secret_not_active: one')
    expect(await outcome(sent({ key: 'another' }), of({ retiresAt: past }))).toBe('no_active_secret')
    expect(await outcome(sent({}, `v1a,${v1a()}`), of({ retiresAt: past }, PUBLIC))).toBe(
      'secret_retired: one',
    )
  })

  test.each([
    ['the private key of a pair', 'whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['a Stripe secret', 'whsec_test_5f8a1c2d3e4b5a69'],
    ['base64 cut in its middle', 'whsec_MfKQ9'],
    ['nothing behind the prefix', 'whsec_'],
    ['a public key that is too short', `whpk_${publicBytes.subarray(1).toString('base64')}`],
  ])('%s when it is saved', (_what, secret) => {
    const read = preset.proof?.schema.safeParse({ secrets: [{ secret }] })
    expect(read?.error?.issues).toMatchObject([{ path: ['secrets', 0, 'secret'] }])
  })

  test('no masked secret when a definition is changed', () => {
    expect(preset.proof?.schema.safeParse({ secrets: [{ secret: '***' }] }).success).toBe(true)
  })
})

test('an event is known by its id at every attempt, and by its type and time', () => {
  const [event] = eventsOf(preset, sent())
  expect(event?.identity).toEqual({
    topic: 'invoice.paid',
    deliveryId: 'msg_1',
    eventId: null,
    occurredAt: '2025-12-31T23:59:00.000Z',
    sender: null,
  })
  const keyOf = (given: Given) => eventsOf(preset, sent(given))[0]?.dedupeKey
  expect(keyOf({ timestamp: String(NOW + 3600) })).toBe(event?.dedupeKey)
  expect(keyOf({ prefix: 'svix-' })).toBe(event?.dedupeKey)
  expect(keyOf({ id: 'msg_2' })).not.toBe(event?.dedupeKey)
  expect(event?.dedupeKey).toEqual(expect.any(String))
})
