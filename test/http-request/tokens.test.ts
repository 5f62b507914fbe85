import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTokens, type Tokens } from '../../src/http-request/tokens.ts'
import { createOutbound, type Outbound } from '../../src/outbound/outbound.ts'
import { push } from '../../src/send/push.ts'
import { destination, FACTS, json, tokenServer } from '../send/world.ts'
import { type Answering, type Received, type Receiver, startReceiver } from '../world/receiver.ts'

const CLIENT = { id: 'sluice:1', secret: 'p&ss wörd' }

let erp: Receiver
let issuer: Receiver
let outbound: Outbound
let tokens: Tokens
let clockMs: number

beforeAll(async () => {
  ;[erp, issuer] = await Promise.all([startReceiver(), startReceiver()])
})
beforeEach(async () => {
  await outbound?.close()
  const allowed = [erp, issuer].map(({ port }) => ({ host: '127.0.0.1', port }))
  outbound = createOutbound({ allowed, log: { warn() {} } })
  clockMs = 0
  tokens = createTokens({ outbound, monotonicMs: () => clockMs })
  erp.requests.length = 0
  issuer.requests.length = 0
  erp.answerWith(200)
})
afterAll(async () => {
  await outbound.close()
  await Promise.all([erp.close(), issuer.close()])
})

function there(auth: object = {}, rest: object = {}) {
  const own = { kind: 'oauth2', tokenUrl: `${issuer.url}/token`, clientId: CLIENT.id, secret: CLIENT.secret }
  return { id: 'd1', config: destination({ url: erp.url, auth: { ...own, ...auth }, ...rest }) }
}

function pushed(to = there(), signal = new AbortController().signal) {
  return push(to, { n: 1 }, FACTS, { outbound, tokens, signal })
}

function tokensSeen(): unknown[] {
  return erp.requests.map(({ headers }) => headers.authorization)
}

/** Lets in whoever shows a token that this accepts. */
function guardedBy(accepts: (token: string) => boolean): (received: Received) => Answering {
  return ({ headers }) => (accepts(String(headers.authorization).replace('Bearer ', '')) ? 200 : 401)
}

describe('an OAuth2 token', () => {
  test.each(['basic', 'body'])(
    'is asked for with client credentials in the %s, and sent',
    async (authentication) => {
      const server = tokenServer(CLIENT)
      issuer.answerWith(server.answer)
      const to = there({ authentication, scope: 'orders:write x', audience: 'https://erp.example' })
      expect(await pushed(to)).toMatchObject({ verdict: { verdict: 'delivered' } })
      expect(tokensSeen()).toEqual(['Bearer token-1'])
      expect(server.forms).toEqual([
        {
          grant_type: 'client_credentials',
          scope: 'orders:write x',
          audience: 'https://erp.example',
          ...(authentication === 'body' && { client_id: CLIENT.id, client_secret: CLIENT.secret }),
        },
      ])
      expect(issuer.requests[0]).toMatchObject({
        method: 'POST',
        url: '/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      })
    },
  )

  test('is asked for once by fifty deliveries at the same moment', async () => {
    const { promise: open, resolve } = Promise.withResolvers<void>()
    const server = tokenServer(CLIENT)
    issuer.answerWith(async (received) => {
      await open
      return server.answer(received)
    })
    const all = Array.from({ length: 50 }, () => pushed())
    await issuer.received(1)
    resolve()
    expect((await Promise.all(all)).map(({ verdict }) => verdict.verdict)).toEqual(all.map(() => 'delivered'))
    expect(server.given).toEqual(['token-1'])
    expect(new Set(tokensSeen())).toEqual(new Set(['Bearer token-1']))
    expect(erp.requests).toHaveLength(50)
  })

  test('belongs to one destination and one auth', async () => {
    const server = tokenServer(CLIENT)
    issuer.answerWith(server.answer)
    await pushed({ ...there(), id: 'd1' })
    await pushed({ ...there(), id: 'd2' })
    await pushed({ ...there({ scope: 'other' }), id: 'd1' })
    await pushed({ ...there({ scope: 'other' }), id: 'd1' })
    expect(tokensSeen()).toEqual(['Bearer token-1', 'Bearer token-2', 'Bearer token-3', 'Bearer token-3'])
  })

  test.each([3_600, '3600'])(
    'is renewed before it ends, and nobody waits for that (%j)',
    async (expiresIn) => {
      const server = tokenServer(CLIENT, { expiresIn })
      issuer.answerWith(server.answer)
      await pushed()
      clockMs = 3_539_000
      await pushed()
      expect(server.given).toHaveLength(1)

      const { promise: open, resolve } = Promise.withResolvers<void>()
      issuer.answerWith(async (received) => {
        await open
        return server.answer(received)
      })
      clockMs = 3_541_000
      // All of these are delivered while the token URL still thinks.
      await Promise.all(Array.from({ length: 20 }, () => pushed()))
      expect(new Set(tokensSeen())).toEqual(new Set(['Bearer token-1']))
      await issuer.received(2)
      resolve()
      await expect.poll(() => server.given.length).toBe(2)
      await expect
        .poll(async () => {
          await pushed()
          return tokensSeen().at(-1)
        })
        .toBe('Bearer token-2')
      expect(issuer.requests).toHaveLength(2)
    },
  )

  test('is not used after its end', async () => {
    const server = tokenServer(CLIENT, { expiresIn: 100 })
    issuer.answerWith(server.answer)
    await pushed()
    clockMs = 99_000
    await pushed()
    expect(tokensSeen()).toEqual(['Bearer token-1', 'Bearer token-2'])
  })

  test('that the destination ended before its time is renewed once, within the attempt', async () => {
    const server = tokenServer(CLIENT)
    issuer.answerWith(server.answer)
    await pushed()
    erp.answerWith(guardedBy((token) => token !== 'token-1'))
    const all = await Promise.all(Array.from({ length: 20 }, () => pushed()))
    expect(all.map(({ verdict }) => verdict.verdict)).toEqual(all.map(() => 'delivered'))
    expect(server.given).toEqual(['token-1', 'token-2'])
  })

  test('that is new and refused all the same ends the delivery', async () => {
    const server = tokenServer(CLIENT)
    issuer.answerWith(server.answer)
    erp.answerWith(401)
    const first = await pushed()
    expect(first.verdict).toMatchObject({ verdict: 'dead', reason: 'unauthorized' })
    expect(erp.requests).toHaveLength(1)
    const second = await pushed()
    expect(second.verdict).toMatchObject({ verdict: 'dead', reason: 'unauthorized' })
    expect(second.verdict.message).toContain('a new token changed nothing')
    expect(erp.requests).toHaveLength(3)
    expect(server.given).toEqual(['token-1', 'token-2'])
  })
})

describe('a token URL that gives no token', () => {
  test('wrong credentials end the delivery, and the token URL is asked once by all that wait', async () => {
    issuer.answerWith(tokenServer({ ...CLIENT, secret: 'another' }).answer)
    const all = await Promise.all(Array.from({ length: 50 }, () => pushed()))
    for (const { verdict, answer } of all) {
      expect(answer).toBeUndefined()
      expect(verdict).toMatchObject({ verdict: 'dead', reason: 'token_refused' })
      expect(verdict.message).toContain('401: invalid_client (no such client)')
    }
    expect(issuer.requests).toHaveLength(1)
    expect(erp.requests).toHaveLength(0)
  })

  test('credentials that were mended are tried soon, and at once when the config was mended', async () => {
    issuer.answerWith(tokenServer({ ...CLIENT, secret: 'another' }).answer)
    await pushed()
    expect(await pushed(there({ secret: 'another' }))).toMatchObject({ verdict: { verdict: 'delivered' } })
    await pushed()
    issuer.answerWith(tokenServer(CLIENT).answer)
    clockMs = 5_000
    expect(await pushed()).toMatchObject({ verdict: { verdict: 'delivered' } })
  })

  test.each<[string, Answering, object]>([
    ['that is down', 503, { verdict: 'retry', reason: 'token_unavailable' }],
    [
      'that is busy',
      { status: 429, headers: { 'retry-after': '7' } },
      { verdict: 'retry', reason: 'token_unavailable', retryAfterMs: 7_000 },
    ],
    ['that resets', { mode: 'reset' }, { verdict: 'retry', reason: 'token_unavailable' }],
    [
      'that answers with a page',
      { status: 200, body: '<html>' },
      { verdict: 'retry', reason: 'token_unavailable' },
    ],
    [
      'that answers without a token',
      json(200, { token_type: 'bearer' }),
      { verdict: 'retry', reason: 'token_unavailable' },
    ],
    [
      'that answers with what is no token',
      json(200, { access_token: 'a\r\nx: y' }),
      { verdict: 'retry', reason: 'token_unavailable' },
    ],
    [
      'that says to come back',
      json(400, { error: 'temporarily_unavailable' }),
      { verdict: 'retry', reason: 'token_unavailable' },
    ],
    [
      'that does not know the scope',
      json(400, { error: 'invalid_scope' }),
      { verdict: 'dead', reason: 'token_refused' },
    ],
    ['that is not there', 404, { verdict: 'dead', reason: 'token_refused' }],
    [
      'that leads elsewhere',
      { mode: 'redirect', location: 'https://evil.example/' },
      { verdict: 'dead', reason: 'token_refused' },
    ],
    [
      'that gives tokens of another type',
      json(200, { access_token: 'a', token_type: 'mac' }),
      { verdict: 'dead', reason: 'token_refused' },
    ],
  ])('%s', async (_name, answering, expected) => {
    issuer.answerWith(answering)
    const { verdict } = await pushed()
    expect(verdict).toMatchObject(expected)
    expect(verdict.message).toMatch(/token/)
    expect(erp.requests).toHaveLength(0)
  })

  test('that asks for patience is not asked again before, and no delivery waits longer than its own limit', async () => {
    issuer.answerWith({ status: 429, headers: { 'retry-after': '30' } })
    expect((await pushed()).verdict).toMatchObject({ retryAfterMs: 30_000 })
    clockMs = 29_000
    const capped = there({}, { retry: { retryAfterMaxMs: 1_000 } })
    expect((await pushed(capped)).verdict).toMatchObject({ verdict: 'retry', retryAfterMs: 1_000 })
    expect(issuer.requests).toHaveLength(1)
    clockMs = 31_000
    await pushed()
    expect(issuer.requests).toHaveLength(2)
  })

  test('that leads inside is refused by the guard', async () => {
    const { verdict } = await pushed(there({ tokenUrl: 'http://169.254.169.254/token' }))
    expect(verdict).toMatchObject({ verdict: 'dead', reason: 'token_refused' })
    expect(verdict.message).toContain('blocked_address')
  })

  test('that hangs holds an attempt no longer than its time-out', async () => {
    issuer.answerWith({ mode: 'hang' })
    const { verdict } = await pushed(there({}, { timeoutMs: 200 }))
    expect(verdict).toMatchObject({ verdict: 'retry', reason: 'token_unavailable' })
    expect(verdict.message).toContain('within the time of the attempt')
  })
})

test('neither token nor client secret is shown', async () => {
  issuer.answerWith(json(401, { error: 'invalid_client', error_description: `not ${CLIENT.secret}` }))
  const refused = await pushed(there({ secret: 'plain-secret-of-the-client' }))
  expect(refused.request.hidden.texts).toContain('plain-secret-of-the-client')
  clockMs = 5_000
  issuer.answerWith(tokenServer(CLIENT).answer)
  const { request } = await pushed()
  expect(request.hidden.texts).toEqual([CLIENT.secret, 'token-1'])
})

test('a client secret is not told on, whatever characters it has and wherever the reason is cut', async () => {
  const secret = 'sécret-abcdef'
  const refusedWith = async (description: string) => {
    issuer.answerWith(json(401, { error: 'invalid_client', error_description: description }))
    clockMs += 3_600_000
    return (await pushed(there({ secret }))).verdict.message
  }
  expect(await refusedWith(`not ${secret}`)).toContain('invalid_client (not ***)')
  expect(await refusedWith('not s%C3%A9cret-abcdef')).toContain('invalid_client (not ***)')
  const cut = await refusedWith(`${'x'.repeat(275)} ${secret}`)
  expect(cut).not.toContain('cret')
})
