import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { preset } from '../../src/sources/presets/lightspeed-x-series.ts'
import { eventsOf, messageOf } from './messages.ts'
import { outcomeOf } from './verdicts.ts'

const SECRET = 'ls-client-secret'
const SALE =
  '{"id":"02dcd191","status":"CLOSED","version":12345678901234567890,"updated_at":"2026-01-01 10:00:00"}'
const BARE = `payload=${encodeURIComponent(SALE)}`
const BODY = `${BARE}&domain_prefix=demo&environment=prod`

function digest({ key = SECRET, body = BODY, encoding = 'hex' as 'hex' | 'base64' } = {}) {
  return createHmac('sha256', key).update(body).digest(encoding)
}

function sent({ body = BODY, signature = `signature=${digest({ body })},algorithm=HMAC-SHA256` } = {}) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-signature': signature }
  return messageOf({ headers, body })
}

const outcome = (message = sent(), more = {}, secret = {}) =>
  outcomeOf(preset, { secrets: [{ id: 'one', secret: SECRET, ...secret }], ...more }, message)

describe('Lightspeed X-Series', () => {
  test('signs the bytes of the form, in hex or as the setting says', async () => {
    expect(await outcome()).toBe('proven')
    const base64 = sent({ signature: `signature=${digest({ encoding: 'base64' })},algorithm=HMAC-SHA256` })
    expect(await outcome(base64)).toBe('wrong_encoding: base64 instead of hex')
    expect(await outcome(base64, { encoding: 'base64' })).toBe('proven')
    expect(await outcome(sent(), { encoding: 'base64' })).toBe('wrong_encoding: hex instead of base64')
  })

  test('may write a blank between the parts of its header', async () => {
    expect(await outcome(sent({ signature: `signature=${digest()}, algorithm=HMAC-SHA256` }))).toBe('proven')
  })

  test.each(['none', 'NONE', 'HMAC-SHA1', 'hmac-sha256', 'SHA256', ''])(
    'is refused where the header names the algorithm "%s"',
    async (algorithm) => {
      const signature = `signature=${digest()},algorithm=${algorithm}`
      expect(await outcome(sent({ signature }))).toBe('wrong_algorithm: X-Signature is not HMAC-SHA256')
    },
  )

  test.each([
    '',
    digest(),
    `signature=${digest()}`,
    'signature=,algorithm=HMAC-SHA256',
    `algorithm=HMAC-SHA256,signature=${digest()}`,
    `signature=${digest()},algorithm=HMAC-SHA256,algorithm=none`,
    `signature=${digest()},signature=${digest()},algorithm=HMAC-SHA256`,
  ])('is refused where the header reads "%s"', async (signature) => {
    expect(await outcome(sent({ signature }))).toBe(
      'malformed: X-Signature is not signature=…,algorithm=HMAC-SHA256',
    )
  })

  test('is refused for every other fault, by its name', async () => {
    expect(await outcome(messageOf({ body: BODY }))).toBe('header_missing: X-Signature')
    const other = `signature=${digest({ key: 'other' })},algorithm=HMAC-SHA256`
    expect(await outcome(sent({ signature: other }))).toBe('wrong_secret')
    const changed = sent({ body: `${BODY}\n`, signature: `signature=${digest()},algorithm=HMAC-SHA256` })
    expect(await outcome(changed)).toBe('body_changed: blanks around it were cut or added')
    const past = '2025-12-31T00:00:00Z'
    expect(await outcome(sent(), {}, { retiresAt: past })).toBe('secret_retired: one')
    expect(await outcome(sent(), {}, { activeFrom: '2026-01-02T00:00:00Z' })).toBe('secret_not_active: one')
    expect(await outcome(sent({ signature: other }), {}, { retiresAt: past })).toBe('no_active_secret')
  })
})

describe('the event of a Lightspeed form', () => {
  const sale = {
    id: '02dcd191',
    status: 'CLOSED',
    version: 12345678901234567890n,
    updated_at: '2026-01-01 10:00:00',
  }

  // Numbers beyond 2^53 stay exact, which the helper's JSON.stringify cannot write: it gets small ones.
  const small = SALE.replace('12345678901234567890', '12')
  const formOf = (entity: string, rest = '') => `payload=${encodeURIComponent(entity)}${rest}`

  test('is the entity in it, whichever fields come with it', () => {
    const batch = preset.batch
    expect(typeof batch === 'function' && batch({ payload: SALE, domain_prefix: 'demo' })).toEqual([sale])
    const [alone] = eventsOf(preset, sent({ body: formOf(small) }))
    const [accompanied] = eventsOf(
      preset,
      sent({ body: formOf(small, '&domain_prefix=demo&environment=prod') }),
    )
    expect(alone?.value).toEqual({ ...sale, version: 12 })
    expect(accompanied?.value).toEqual(alone?.value)
    expect(alone?.identity.sender).toBeNull()
    expect(accompanied?.identity).toEqual({
      topic: null,
      deliveryId: null,
      eventId: null,
      occurredAt: '2026-01-01T10:00:00.000Z',
      sender: 'demo',
    })
  })

  test('is the form itself where its payload is no JSON object or list', () => {
    for (const payload of ['no JSON', '"text"', '12', 'null', '{"a":', '['.repeat(101)]) {
      const [event, ...others] = eventsOf(preset, sent({ body: formOf(payload, '&domain_prefix=demo') }))
      expect(others).toEqual([])
      expect(event).toMatchObject({ value: { payload, domain_prefix: 'demo' }, identity: { sender: 'demo' } })
    }
    expect(eventsOf(preset, sent({ body: 'a=1&b=2' }))[0]?.value).toEqual({ a: '1', b: '2' })
  })

  test('is the same when it comes again, and another when the entity or the shop is another', () => {
    const keyOf = (body: string) => eventsOf(preset, sent({ body }))[0]?.dedupeKey
    const first = keyOf(formOf(small, '&domain_prefix=demo&environment=prod'))
    expect(first).toEqual(expect.any(String))
    expect(keyOf(formOf(small, '&environment=prod&domain_prefix=demo'))).toBe(first)
    expect(keyOf(formOf(small.replace('12', '13'), '&domain_prefix=demo'))).not.toBe(first)
    expect(keyOf(formOf(small, '&domain_prefix=other'))).not.toBe(first)
    const bare = keyOf(formOf(small))
    expect(bare).toEqual(expect.any(String))
    expect(keyOf(formOf(small.replace('12', '13')))).not.toBe(bare)
  })
})
