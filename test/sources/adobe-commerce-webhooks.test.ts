import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { presetOf } from '../../src/sources/sources.ts'
import { type Keys, rsaKeys } from './certificates.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf, verdictOn } from './verdicts.ts'

const preset = presetOf('adobe-commerce-webhooks')
/** As PHP writes it: slashes escaped, and an id that a double does not hold. */
const BODY =
  '{"eventName":"observer.order","id":820982911946154508,"url":"https:\\/\\/m2.example.com\\/\\u00e9"}'
/** As JSON.stringify would write it, but with all of its digits. */
const REWRITTEN = '{"eventName":"observer.order","id":820982911946154508,"url":"https://m2.example.com/é"}'

let keys: Keys
let other: Keys

beforeAll(() => {
  keys = rsaKeys()
  other = rsaKeys()
})

const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()

interface Given {
  body?: string
  /** What is signed, in base64 as Commerce does it. */
  signed?: string
  key?: Keys
  method?: string
  signature?: string
}

function sent({ body = BODY, signed = body, key = keys, method = 'POST', signature }: Given = {}) {
  const text = Buffer.from(Buffer.from(signed).toString('base64'))
  const right = sign('sha256', text, key.privateKey).toString('base64')
  return messageOf({
    method,
    headers: {
      'content-type': 'application/json',
      'x-adobe-commerce-webhook-signature': signature ?? right,
    },
    body,
  })
}

function outcome(message = sent(), { key = {}, ...more }: { key?: object; rewrittenJson?: boolean } = {}) {
  const publicKeys = [{ id: 'one', secret: pemOf(keys.publicKey), ...key }]
  return outcomeOf(preset, { publicKeys, ...more }, message)
}

describe('a signature over the base64 of the body', () => {
  test('proves it', async () => {
    expect(await outcome()).toBe('proven')
    expect(await outcome(sent({ method: 'PUT' }))).toBe('proven')
    expect(preset.methods).toEqual(['POST', 'PUT'])
  })

  test('proves it by any public key that is active', async () => {
    const publicKeys = [
      { id: 'old', secret: pemOf(other.publicKey) },
      { id: 'new', secret: pemOf(keys.publicKey) },
    ]
    const verdict = await verdictOn(preset, { publicKeys }, sent())
    expect(verdict).toMatchObject({ proven: true, secret: { id: 'new' } })
  })

  test('and not over the body itself', async () => {
    const signature = sign('sha256', Buffer.from(BODY), keys.privateKey).toString('base64')
    expect(await outcome(sent({ signature }))).toBe('wrong_secret')
  })
})

test('a fault is named', async () => {
  expect(await outcome(messageOf({ body: BODY }))).toBe('header_missing: x-adobe-commerce-webhook-signature')
  expect(await outcome(sent({ key: other }))).toBe('wrong_secret')
  for (const signature of ['', 'no base64', `${sent().header('x-adobe-commerce-webhook-signature')}=`])
    expect(await outcome(sent({ signature }))).toBe('malformed: the signature is no base64')
  expect(await outcome(sent({ body: `${BODY}\n`, signed: BODY }))).toBe(
    'body_changed: blanks around it were cut or added',
  )
  const past = { retiresAt: '2025-12-31T00:00:00Z' }
  expect(await outcome(sent(), { key: past })).toBe('secret_retired: one')
  expect(await outcome(sent(), { key: { activeFrom: '2026-01-02T00:00:00Z' } })).toBe(
    'secret_not_active: one',
  )
  expect(await outcome(sent({ key: other }), { key: past })).toBe('no_active_secret')
})

describe('a signature over JSON that was written anew', () => {
  const rewrittenJson = true

  test('is believed only where the operator says so', async () => {
    const message = sent({ signed: REWRITTEN })
    expect(await outcome(message)).toBe('wrong_secret')
    expect(await outcome(message, { rewrittenJson })).toBe('proven')
    expect(await outcome(sent(), { rewrittenJson })).toBe('proven')
  })

  test('still covers every value, down to the last digit', async () => {
    const changed = BODY.replace('154508', '154509')
    expect(JSON.parse(changed)).toEqual(JSON.parse(BODY))
    expect(await outcome(sent({ body: changed, signed: REWRITTEN }), { rewrittenJson })).toBe('wrong_secret')
    expect(await outcome(sent({ body: 'no json', signed: REWRITTEN }), { rewrittenJson })).toBe(
      'wrong_secret',
    )
    const { covers, schema } = preset.proof ?? {}
    if (typeof covers !== 'function') throw new Error('what is covered depends on the proof')
    const given = (more: object) =>
      schema?.parse({ publicKeys: [{ secret: pemOf(keys.publicKey) }], ...more })
    expect(covers(given({}))).toMatchObject({ body: 'bytes' })
    expect(covers(given({ rewrittenJson }))).toMatchObject({ body: [''] })
  })

  test('is told to be such where the usual way of writing shows it', async () => {
    const body = '{"url":"https:\\/\\/m2.example.com"}'
    expect(await outcome(sent({ body, signed: '{"url":"https://m2.example.com"}' }))).toBe(
      'body_changed: its JSON was written anew',
    )
  })
})

test('a key is an RSA public key of 2048 bits, or the mask of one', () => {
  const isKey = (secret: string) => preset.proof?.schema.safeParse({ publicKeys: [{ secret }] }).success
  expect(isKey(pemOf(keys.publicKey))).toBe(true)
  expect(isKey(`\n${pemOf(keys.publicKey).replaceAll('\n', '\r\n')}`)).toBe(true)
  expect(isKey('***')).toBe(true)
  expect(isKey('-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----')).toBe(false)
  expect(isKey(keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())).toBe(false)
  expect(isKey(pemOf(rsaKeys(1024).publicKey))).toBe(false)
  expect(isKey(pemOf(generateKeyPairSync('ed25519').publicKey))).toBe(false)
  expect(isKey('a secret')).toBe(false)
})

test('Commerce is told to go on, and no message is taken for another', () => {
  expect(preset.replies.accepted).toEqual({
    status: 200,
    contentType: 'application/json',
    body: '{"op":"success"}',
  })
  expect(preset.dedupe).toBeNull()
  const [event, ...others] = eventsOf(preset, sent())
  expect(event?.identity).toMatchObject({ topic: 'observer.order', eventId: null })
  expect(others).toEqual([])
})
