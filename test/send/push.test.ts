import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTokens } from '../../src/http-request/tokens.ts'
import type { AttemptRecord } from '../../src/ledger/ledger.ts'
import { createOutbound, type Outbound } from '../../src/outbound/outbound.ts'
import { describeAttempt } from '../../src/send/describe-attempt.ts'
import { push } from '../../src/send/push.ts'
import { encrypted, makeClient, startTlsReceiver, type TlsReceiver } from '../outbound/tls-receiver.ts'
import { makeAuthority } from '../world/certificates.ts'
import { type Received, type Receiver, startReceiver } from '../world/receiver.ts'
import { destination, FACTS } from './world.ts'

let plain: Receiver
let secured: TlsReceiver
let outbound: Outbound

beforeAll(async () => {
  ;[plain, secured] = await Promise.all([startReceiver(), startTlsReceiver()])
  const allowed = [plain, secured].map(({ port }) => ({ host: '127.0.0.1', port }))
  outbound = createOutbound({ allowed, log: { warn() {} } })
})
afterAll(async () => {
  await outbound.close()
  await Promise.all([plain.close(), secured.close()])
})

function pushed(rest: object) {
  const options = { outbound, tokens: createTokens({ outbound }), signal: new AbortController().signal }
  return push({ id: 'd1', config: destination({ url: plain.url, ...rest }) }, { n: 1 }, FACTS, options)
}

describe('who lets in only whom it knows lets us in', () => {
  const secrets = [{ secret: 'old-secret' }, { secret: 'new-secret', activeFrom: '2026-01-01T00:00:00Z' }]
  const basic = `Basic ${Buffer.from('u:pass-word').toString('base64')}`
  const cases: [string, object, (received: Received) => boolean][] = [
    [
      'basic',
      { kind: 'basic', username: 'u', password: 'pass-word' },
      ({ headers }) => headers.authorization === basic,
    ],
    [
      'bearer',
      { kind: 'bearer', token: 'the-token' },
      ({ headers }) => headers.authorization === 'Bearer the-token',
    ],
    [
      'an API key in the query',
      { kind: 'apiKey', in: 'query', name: 'key', value: 'k&y-of-api' },
      ({ url }) => url === '/?key=k%26y-of-api',
    ],
    [
      'an API key in a header',
      { kind: 'apiKey', in: 'header', name: 'X-Key', value: 'key' },
      ({ headers }) => headers['x-key'] === 'key',
    ],
    [
      'a secret header',
      { kind: 'header', header: 'X-Secret', secrets },
      ({ headers }) => headers['x-secret'] === 'new-secret',
    ],
  ]

  test.each(cases)('by %s', async (_name, auth, knows) => {
    plain.answerWith((received) => (knows(received) ? 200 : 401))
    expect(await pushed({ auth })).toMatchObject({ verdict: { verdict: 'delivered' } })
    expect(await pushed({})).toMatchObject({ verdict: { verdict: 'dead', reason: 'unauthorized' } })
  })

  test('what is kept of it shows no secret, also where the answer echoes it', async () => {
    plain.answerWith(({ headers, url }) => ({ status: 200, body: JSON.stringify({ headers, url }) }))
    const hmac = { kind: 'hmac', header: 'X-Proof', secrets }
    for (const auth of [...cases.map(([, one]) => one), hmac]) {
      const facts = { id: 'a1', startedAt: FACTS.sentAt, responseBytesMax: 65_536 }
      const kept = JSON.stringify(shown(describeAttempt({ ...facts, ...(await pushed({ auth })) })))
      expect(kept).toContain('***')
      expect(kept).not.toMatch(/pass-word|cGFzcy13b3Jk|the-token|k&y|k%26y|(old|new)-secret|"x-key",.?"key/)
    }
  })
})

function shown(attempt: AttemptRecord): object {
  return { ...attempt, responseBody: attempt.responseBody?.toString() }
}

describe('a client certificate', () => {
  const ours = makeClient('ours')

  test('lets us in, with an encrypted key too, beside another auth', async () => {
    const key = encrypted(ours.key, 'open sesame')
    const auth = { kind: 'bearer', token: 'the-token' }
    for (const clientCertificate of [ours, { ...ours, key, passphrase: 'open sesame' }]) {
      const { verdict } = await pushed({ url: secured.url, clientCertificate, auth })
      expect(verdict).toMatchObject({ verdict: 'delivered' })
    }
    expect(secured.clients).toEqual(['ours', 'ours'])
    expect(secured.requests.at(-1)).toMatchObject({
      headers: { authorization: 'Bearer the-token' },
      body: '{"n":1}',
    })
  })

  test('that the destination does not know is tried again, as its list may be about to change', async () => {
    const clientCertificate = makeClient('ours', makeAuthority('Nobody'))
    const { verdict } = await pushed({ url: secured.url, clientCertificate })
    expect(verdict).toMatchObject({ verdict: 'retry', reason: expect.stringMatching(/^(tls|reset)$/) })
  })
})
