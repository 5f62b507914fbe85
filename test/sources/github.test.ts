import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/github.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const SECRET = "It's a Secret to Everybody"
const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

const push = {
  ref: 'refs/heads/main',
  repository: { full_name: 'octocat/Hello-World' },
  sender: { login: 'octocat' },
}
const ping = { zen: 'Keep it logically awesome.', hook_id: 123, hook: { type: 'Repository', active: true } }

const hmac = (body: string, algorithm = 'sha256', key = SECRET) => createHmac(algorithm, key).update(body)
const formOf = (value: object) => `payload=${encodeURIComponent(JSON.stringify(value))}`

function sent({
  event = 'push',
  body = JSON.stringify(push),
  type = JSON_TYPE,
  id = '72d3162e-cc78-11e3-81ab-4c9367dc0958',
  signature = `sha256=${hmac(body).digest('hex')}` as string | undefined,
  more = {},
} = {}) {
  const headers = { 'content-type': type, 'x-github-event': event, 'x-github-delivery': id, ...more }
  return messageOf({
    headers: signature === undefined ? headers : { ...headers, 'x-hub-signature-256': signature },
    body,
  })
}

const outcome = (message = sent(), more = {}) =>
  outcomeOf(preset, { secrets: [{ id: 'one', secret: SECRET, ...more }] }, message)

describe('GitHub', () => {
  test('is proven over the bytes of JSON and of a form', async () => {
    expect(await outcome()).toBe('proven')
    expect(await outcome(sent({ body: formOf(push), type: FORM_TYPE }))).toBe('proven')
    const decoded = `sha256=${hmac(JSON.stringify(push)).digest('hex')}`
    expect(await outcome(sent({ body: formOf(push), type: FORM_TYPE, signature: decoded }))).toBe(
      'wrong_secret',
    )
  })

  test('is refused with SHA-1 alone, in whichever header', async () => {
    const body = JSON.stringify(push)
    const sha1 = `sha1=${hmac(body, 'sha1').digest('hex')}`
    const whole = sent({ more: { 'x-hub-signature': sha1 } })
    const old = {
      ...whole,
      header: (name: string) => (name === 'x-hub-signature-256' ? undefined : whole.header(name)),
    }
    expect(await outcome(old)).toMatch(/^header_missing: X-Hub-Signature-256;/)
    expect(await outcome(sent({ signature: sha1 }))).toBe(
      'wrong_algorithm: X-Hub-Signature-256 is not sha256=…',
    )
    expect(await outcome(whole)).toBe('proven')
  })

  test('is refused for every other fault, by its name', async () => {
    const right = hmac(JSON.stringify(push))
    const digest = right.digest()
    expect(await outcome(sent({ signature: digest.toString('hex') }))).toMatch(/^malformed/)
    expect(await outcome(sent({ signature: `sha512=${digest.toString('hex')}` }))).toMatch(/^wrong_algorithm/)
    expect(await outcome(sent({ signature: `sha256=${digest.toString('base64')}` }))).toBe(
      'wrong_encoding: base64 instead of hex',
    )
    const other = `sha256=${hmac(JSON.stringify(push), 'sha256', 'other').digest('hex')}`
    expect(await outcome(sent({ signature: other }))).toBe('wrong_secret')
    const changed = sent({ body: `${JSON.stringify(push)}\n`, signature: `sha256=${digest.toString('hex')}` })
    expect(await outcome(changed)).toBe('body_changed: blanks around it were cut or added')
    const past = '2025-12-31T00:00:00Z'
    expect(await outcome(sent(), { retiresAt: past })).toBe('secret_retired: one')
    expect(await outcome(sent(), { activeFrom: '2026-01-02T00:00:00Z' })).toBe('secret_not_active: one')
    expect(await outcome(sent({ signature: other }), { retiresAt: past })).toBe('no_active_secret')
  })
})

describe('a ping of GitHub', () => {
  const [handshake, ...others] = preset.handshakes

  test('is a handshake that is answered as an event would be, once it is proven', () => {
    expect(others).toEqual([])
    expect(handshake).toMatchObject({ kind: 'ping', method: 'POST', asked: 'after proof' })
    expect(preset.replies.accepted.status).toBe(200)
    expect(handshake?.answer(sent({ event: 'ping', body: JSON.stringify(ping) }))).toEqual({})
    expect(handshake?.answer(sent({ event: 'ping', body: formOf(ping), type: FORM_TYPE }))).toEqual({})
  })

  test('is what its header and its body say together: no event is lost by a header that nobody signs', () => {
    expect(handshake?.answer(sent({ event: 'ping' }))).toBeUndefined()
    expect(handshake?.answer(sent({ body: JSON.stringify(ping) }))).toBeUndefined()
    expect(handshake?.answer(sent({ event: 'ping', body: 'no JSON' }))).toBeUndefined()
    expect(handshake?.answer(sent({ event: 'ping', body: '[]' }))).toBeUndefined()
  })
})

test('an event of GitHub is known by its headers and by whom it is about', () => {
  const [event] = eventsOf(preset, sent())
  expect(event?.identity).toEqual({
    topic: 'push',
    deliveryId: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    eventId: null,
    occurredAt: null,
    sender: 'octocat/Hello-World',
  })
  const form = sent({ body: formOf(push), type: FORM_TYPE })
  expect(eventsOf(preset, form)[0]).toMatchObject({
    value: push,
    identity: { sender: 'octocat/Hello-World' },
  })
  const senderOf = (value: object) =>
    eventsOf(preset, sent({ body: JSON.stringify(value) }))[0]?.identity.sender
  expect(senderOf({ organization: { login: 'github' } })).toBe('github')
  expect(senderOf({ installation: { id: 1, account: { login: 'octocat' } } })).toBe('octocat')
  expect(senderOf({ enterprise: { slug: 'big' } })).toBe('big')
  expect(senderOf({ sender: { login: 'octocat' } })).toBeNull()
})

test('a delivery that is asked for again has the key of the first, and the same body in another has not', () => {
  const keyOf = (given: Parameters<typeof sent>[0]) => eventsOf(preset, sent(given))[0]?.dedupeKey
  expect(keyOf({})).toEqual(expect.any(String))
  expect(keyOf({ body: '{}' })).toBe(keyOf({}))
  expect(keyOf({ id: 'another' })).not.toBe(keyOf({}))
  expect(keyOf({ id: '' })).toBeNull()
})

test('the addresses that GitHub publishes for hooks are read, of both families', () => {
  const published = preset.publishedAddresses
  expect(published?.url).toBe('https://api.github.com/meta')
  const meta = {
    verifiable_password_authentication: false,
    hooks: ['192.30.252.0/22', '2606:50c0::/32'],
    web: ['1.1.1.1/32'],
  }
  expect(published?.read(JSON.stringify(meta))).toEqual(['192.30.252.0/22', '2606:50c0::/32'])
  for (const hooks of [undefined, [], ['192.30.252.0/99'], ['github.com'], [1], { 0: '192.30.252.0/22' }])
    expect(() => published?.read(JSON.stringify({ hooks }))).toThrow()
})
