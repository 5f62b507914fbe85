import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/shopctrl.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const BODY = '{"entityData":{"OrderId":88123,"OrderCode":"NL-2026-000123"}}'
const SECRET = 'shopctrl-hmac-secret'

const outcome = (proof: object, headers: Record<string, string>) =>
  outcomeOf(preset, proof, messageOf({ headers, body: BODY }))
const digest = (algorithm: string, encoding: 'base64' | 'hex') =>
  createHmac(algorithm, SECRET).update(BODY).digest(encoding)

describe('ShopCtrl is proven by what the operator chose', () => {
  test('a user with a password, which may have colons', async () => {
    const proof = { scheme: 'basic', users: [{ username: 'hook', secret: 'p@ss:word' }] }
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
    expect(await outcome(proof, basic('hook:p@ss:word'))).toBe('proven')
    expect(await outcome(proof, basic('hook:p@ss'))).toBe('wrong_secret')
    expect(await outcome(proof, basic('hook'))).toBe('wrong_secret')
    expect(await outcome(proof, { authorization: 'Bearer x' })).toBe('malformed: Authorization is not Basic')
    expect(await outcome(proof, {})).toBe('header_missing: Authorization')
  })

  test('an HMAC, of which header and form are settings', async () => {
    const proof = { scheme: 'hmac', header: 'X-Hmac', secrets: [{ secret: SECRET }] }
    expect(await outcome(proof, { 'x-hmac': digest('sha256', 'base64') })).toBe('proven')
    expect(await outcome(proof, { 'x-hmac': digest('sha256', 'hex') })).toBe(
      'wrong_encoding: hex instead of base64',
    )
    expect(await outcome(proof, { 'x-hmac': digest('sha1', 'base64') })).toBe('wrong_secret')
    expect(await outcome(proof, { 'x-signature': digest('sha256', 'base64') })).toBe('header_missing: X-Hmac')
    const chosen = { ...proof, algorithm: 'sha1', encoding: 'hex', prefix: 'sha1=' }
    expect(await outcome(chosen, { 'x-hmac': `sha1=${digest('sha1', 'hex')}` })).toBe('proven')
    expect(await outcome(chosen, { 'x-hmac': digest('sha1', 'hex') })).toBe(
      'malformed: X-Hmac does not begin with sha1=',
    )
  })

  test('and the header of the HMAC has to be named', () => {
    const read = preset.proof?.schema.safeParse({ scheme: 'hmac', secrets: [{ secret: SECRET }] })
    expect(read?.error?.issues[0]?.path).toEqual(['header'])
  })
})

test('two events of ShopCtrl with the same bytes are two: its payload holds ids only', () => {
  const [event] = eventsOf(preset, messageOf({ headers: { 'content-type': 'application/json' }, body: BODY }))
  expect(event?.dedupeKey).toBeNull()
})
