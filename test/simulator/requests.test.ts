import { createHmac, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { type Json, parseExact } from '../../src/payload/exact-json.ts'
import { parsePath, valueAt } from '../../src/payload/path.ts'
import { occasionOf } from '../../src/simulator/occasion.ts'
import {
  IMITATIONS,
  imitationOf,
  signedRequest,
  takenBy,
  WRONG,
  type WrongKind,
  wrongKindsOf,
} from '../../src/simulator/simulator.ts'
import { form, phpJson, railsJson } from '../../src/simulator/write-body.ts'
import { givenFor } from './given.ts'

const SOURCES = [...IMITATIONS.keys()]

describe.each(SOURCES)('a request of %s', (source) => {
  const given = givenFor(source)
  const right = signedRequest(source, given)

  test('depends on nothing but what is given', () => {
    expect(signedRequest(source, given)).toEqual(right)
  })

  test('is another event under another name', () => {
    const other = signedRequest(source, { ...given, event: 'two' })
    expect(other.body.equals(right.body)).toBe(false)
    expect(Object.keys(other.headers)).toEqual(Object.keys(right.headers))
  })

  test('says how its body is to be read, and the body can be read so', () => {
    const text = right.body.toString()
    if (right.headers['Content-Type']?.startsWith('application/json')) parseExact(text)
    else {
      expect(right.headers['Content-Type']).toBe('application/x-www-form-urlencoded')
      expect([...new URLSearchParams(text)].length).toBeGreaterThan(0)
    }
  })

  test('renews what its sample really has', () => {
    const { sample } = imitationOf(source)
    const file = new URL(`../../src/simulator/bodies/${sample.file}`, import.meta.url)
    const body = parseExact(readFileSync(file, 'utf8'))
    const paths = Object.keys(sample.renew(occasionOf(imitationOf(source), given)))
    expect(paths.filter((path) => valueAt(body, parsePath(path)) === undefined)).toEqual([])
    expect(paths.length).toBeGreaterThan(0)
  })

  test('names the topic that is asked for, where it names one', () => {
    if (imitationOf(source).topic === undefined) return
    const { headers, body } = signedRequest(source, { ...given, topic: 'CUSTOM.topic' })
    const said = `${Object.values(headers).join('\n')}\n${body}`
    // Xero splits it over two fields.
    for (const word of source === 'xero' ? ['CUSTOM', 'topic'] : ['CUSTOM.topic'])
      expect(said).toContain(word)
  })

  test('leaves a body of somebody else as it is, to the byte, unless its proof stands in it', () => {
    const body = Buffer.from('{ "own":  1.50, "path": "a\\/b" }\n')
    const sent = signedRequest(source, { ...given, body }).body
    if (source === 'adyen') expect(sent.toString()).toBe('{"own":1.5,"path":"a/b"}')
    else expect(sent).toEqual(body)
  })

  test('can do without any proof', () => {
    const { secret, user, key, ...without } = given
    const unsigned = signedRequest(source, { ...without, unsigned: true })
    expect(right.headers).toMatchObject(unsigned.headers)
  })
})

const WRONG_REQUESTS = SOURCES.flatMap((source) =>
  wrongKindsOf(source, givenFor(source)).map((wrong) => ({ source, wrong })),
)

describe.each(WRONG_REQUESTS)('$source, wrong by its $wrong,', ({ source, wrong }) => {
  const given = givenFor(source)
  const right = signedRequest(source, given)
  const { secret, user, key, ...without } = given
  const request = signedRequest(source, { ...(wrong === 'missing' ? without : given), wrong })

  test('differs from a right one where it should, and nowhere else', () => {
    const parts = (['method', 'url', 'headers', 'body'] as const).filter(
      (part) => !isDeepStrictEqual(request[part], right[part]),
    )
    expect(parts).toEqual(differingParts(source, wrong))
  })

  test('keeps the form of a right one', () => {
    const names = Object.keys(request.headers)
    if (wrong === 'missing') expect(Object.keys(right.headers)).toEqual(expect.arrayContaining(names))
    else if (wrong !== 'algorithm') expect(names).toEqual(Object.keys(right.headers))
    if (wrong !== 'secret') return
    for (const name of names) expect(request.headers[name]).toHaveLength(right.headers[name]?.length ?? 0)
  })
})

function differingParts(source: string, wrong: WrongKind): string[] {
  // The proof of Adyen stands in the body, and Tilby has none.
  if (wrong === 'body' || source === 'adyen' || source === 'tilby') return ['body']
  return wrong === 'recipient' && source === 'adobe-io-events' ? ['headers', 'body'] : ['headers']
}

test('every way to be wrong occurs', () => {
  const kinds = new Set(WRONG_REQUESTS.map(({ wrong }) => wrong))
  expect([...kinds].toSorted()).toEqual(Object.keys(WRONG).toSorted())
})

describe('a wrong timestamp', () => {
  const timestampOf = (source: string, wrong: WrongKind, header: string) =>
    signedRequest(source, { ...givenFor(source), wrong }).headers[header]
  const NOW_SECONDS = 1767225600
  const TWO_DAYS_SECONDS = 172_800

  test('lies two days back or ahead, and is signed', () => {
    expect(timestampOf('standard-webhooks', 'old', 'webhook-timestamp')).toBe(
      `${NOW_SECONDS - TWO_DAYS_SECONDS}`,
    )
    expect(timestampOf('generic', 'future', 'X-Timestamp')).toBe(`${NOW_SECONDS + TWO_DAYS_SECONDS}`)
    expect(timestampOf('hubspot', 'old', 'X-HubSpot-Request-Timestamp')).toBe(
      `${NOW_SECONDS - TWO_DAYS_SECONDS}000`,
    )
    const signedThen = { ...givenFor('stripe'), now: new Date((NOW_SECONDS - TWO_DAYS_SECONDS) * 1000) }
    const { body } = signedRequest('stripe', givenFor('stripe'))
    expect(timestampOf('stripe', 'old', 'Stripe-Signature')).toBe(
      signedRequest('stripe', { ...signedThen, body }).headers['Stripe-Signature'],
    )
  })
})

describe('an address that is signed', () => {
  test.each(['square', 'hubspot', 'twilio', 'generic'])(
    'may be another one than is posted to: %s',
    (source) => {
      const given = givenFor(source)
      const behindProxy = { ...given, url: 'http://127.0.0.1:8080/integration/abc', signedUrl: given.url }
      const request = signedRequest(source, behindProxy)
      expect(request.url).toBe(behindProxy.url)
      expect(request.headers).toEqual(signedRequest(source, given).headers)
      expect(request.headers).not.toEqual(signedRequest(source, { ...given, url: behindProxy.url }).headers)
    },
  )
})

describe('a body of somebody else', () => {
  const given = givenFor('shopify')

  test('gets new ids and times where it has such, when it is asked to', () => {
    const body = '{"id":1,"note":"<mine>","created_at":"2020-01-01T00:00:00Z"}'
    const fresh = (event: string) =>
      signedRequest('shopify', { ...given, body, fresh: true, event }).body.toString()
    const read = parseExact(fresh('one')) as Record<string, Json>
    expect(Object.keys(read)).toEqual(['id', 'note', 'created_at'])
    expect(read).toMatchObject({ note: '<mine>', created_at: '2026-01-01T00:00:00+00:00' })
    expect(fresh('two')).not.toBe(fresh('one'))
  })

  test('may be a form with JSON in it', () => {
    const body = 'payload=%7B%22id%22%3A%22x%22%7D'
    const sent = signedRequest('lightspeed-x-series', {
      ...givenFor('lightspeed-x-series'),
      body,
      fresh: true,
    }).body
    const payload = JSON.parse(new URLSearchParams(sent.toString()).get('payload') ?? '')
    expect(payload.id).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('cannot get any when it is not what the source writes', () => {
    expect(() => signedRequest('shopify', { ...given, body: '<order/>', fresh: true })).toThrow(
      'Shopify writes application/json, and the body is not: it cannot be renewed',
    )
  })
})

describe('a request that cannot be is refused with a sentence', () => {
  const given = givenFor('shopify')
  const { secret, ...withoutSecret } = given
  test.each([
    ['shopfy', given, 'there is no source "shopfy"; there are: shopify, woocommerce,'],
    ['shopify', withoutSecret, 'Shopify needs the client secret of the app'],
    [
      'shopify',
      { ...given, wrong: 'old' },
      '"old" is no way in which Shopify can be wrong; there are: secret, body',
    ],
    ['shopify', { ...given, options: { colour: 'red' } }, 'Shopify has no --colour'],
    ['shopify', { ...given, handshake: 'ping' }, 'Shopify has no handshake "ping"'],
    [
      'hubspot',
      { ...given, options: { signature: 'v4' } },
      '--signature of HubSpot is one of v3, v2, v1, not "v4"',
    ],
    ['hubspot', { ...given, wrong: 'old', options: { signature: 'v2' } }, '"old" is no way in which HubSpot'],
    ['klarna', given, 'Klarna needs --key-id, the id of the signing key'],
    ['stripe', { ...given, secret: '' }, 'Stripe needs the signing secret'],
    ['paypal', { ...given, key: 'no key', options: { webhookId: 'x' } }, 'the key is no private key in PEM'],
    ['standard-webhooks', { ...given, secret: 'whsk_c2hvcnQ=' }, 'holds the 32 bytes of an ed25519 key'],
    ['woocommerce', { ...given, handshake: 'ping', wrong: 'secret' }, 'without a proof that could be wrong'],
    [
      'tilby',
      { ...given, wrong: 'secret' },
      '"secret" is no way in which Tilby can be wrong; there are: sender',
    ],
    ['mollie-classic', { ...given, wrong: 'secret' }, 'is sent without a proof that could be wrong'],
    [
      'generic',
      given,
      'A generic source has a secret, and nothing says how it is sent: choose a scheme, hmac, header',
    ],
    ['shopctrl', { ...given, options: { scheme: 'basic' } }, 'ShopCtrl needs the user name of Basic'],
  ] as const)('%s', (source, options, sentence) => {
    expect(() => signedRequest(source, options)).toThrow(sentence)
  })
})

describe('each scheme of generic', () => {
  const given = { ...givenFor('generic'), user: 'shop', secret: 'pass:word' }
  const requestBy = (scheme: string, options = {}) =>
    signedRequest('generic', { ...given, options: { scheme, ...options } })

  test('sends the secret where it belongs', () => {
    expect(requestBy('basic').headers.Authorization).toBe(
      `Basic ${Buffer.from('shop:pass:word').toString('base64')}`,
    )
    expect(requestBy('bearer').headers.Authorization).toBe('Bearer pass:word')
    expect(requestBy('header', { header: 'X-Token' }).headers['X-Token']).toBe('pass:word')
    expect(requestBy('query', { parameter: 'key' }).url).toBe(`${given.url}?key=pass%3Aword`)
    expect(requestBy('none').headers).toEqual({ 'Content-Type': 'application/json' })
  })

  test('signs in the form that is chosen', () => {
    const options = { header: 'X-Sig', algorithm: 'sha512', encoding: 'hex', prefix: 'sha512=' }
    expect(requestBy('hmac', options).headers['X-Sig']).toMatch(/^sha512=[0-9a-f]{128}$/)
  })
})

describe('what a source leaves open', () => {
  test('Standard Webhooks: the names of the headers, what the secret holds, and a key beside it', () => {
    const given = { ...givenFor('standard-webhooks'), secret: 'plain', body: '{}', deliveryId: 'msg_1' }
    const { headers } = signedRequest('standard-webhooks', {
      ...given,
      key: generateKeyPairSync('ed25519').privateKey,
      options: { headerPrefix: 'svix-', secretIs: 'text' },
    })
    const digest = createHmac('sha256', 'plain').update('msg_1.1767225600.{}').digest('base64')
    expect(headers).toMatchObject({
      'svix-id': 'msg_1',
      'svix-timestamp': '1767225600',
      'svix-signature': expect.stringMatching(/^v1,\S{44} v1a,\S{88}$/),
    })
    expect(headers['svix-signature']?.split(' ')[0]).toBe(`v1,${digest}`)
  })

  test('Twilio: parameters are signed in the order of their names, not of their texts', () => {
    const given = { ...givenFor('twilio'), secret: 'token', body: 'AB=1&A=z&A=b' }
    expect(signedRequest('twilio', given).headers['X-Twilio-Signature']).toBe(
      createHmac('sha1', 'token').update(`${given.url}AbAzAB1`).digest('base64'),
    )
  })
})

describe('a handshake', () => {
  test('is sent as the source sends it', () => {
    const challenge = signedRequest('adobe-io-events', {
      ...givenFor('adobe-io-events'),
      handshake: 'challenge',
    })
    expect(challenge).toMatchObject({ method: 'GET', headers: {} })
    expect(challenge.url).toMatch(/\?challenge=[0-9a-f-]{36}$/)
    const ping = signedRequest('github', {
      ...givenFor('github'),
      handshake: 'ping',
      options: { format: 'form' },
    })
    expect(ping.headers).toMatchObject({
      'X-GitHub-Event': 'ping',
      'Content-Type': 'application/x-www-form-urlencoded',
      'X-Hub-Signature-256': expect.stringMatching(/^sha256=/),
    })
    const validation = signedRequest('adobe-io-events', {
      ...givenFor('adobe-io-events'),
      handshake: 'validation-url',
    })
    expect(JSON.parse(validation.body.toString()).validationUrl).toMatch(/^https:\/\/csm\.adobe\.io\//)
  })
})

describe('an answer is judged as the source does', () => {
  const answer = { status: 200, headers: {}, body: '{"result":true,"error":""}' }
  const request = { url: 'https://hooks.example.com/integration/abc?challenge=c0ffee' }
  test.each([
    ['shopify', undefined, { ...answer, status: 204 }, true],
    ['shopify', undefined, { ...answer, status: 302 }, false],
    ['woocommerce', undefined, { ...answer, status: 302 }, true],
    ['woocommerce', 'ping', { ...answer, status: 204 }, false],
    ['tilby', undefined, { ...answer, status: 201 }, false],
    ['magento-mageplaza', undefined, { ...answer, status: 202 }, false],
    ['klarna', undefined, { ...answer, status: 203 }, false],
    ['adobe-commerce-webhooks', undefined, answer, false],
    ['adobe-commerce-webhooks', undefined, { ...answer, body: '{"op":"success"}' }, true],
    ['adyen', undefined, answer, false],
    ['adyen', undefined, { ...answer, body: '[accepted]' }, true],
    ['xero', undefined, answer, false],
    ['xero', undefined, { ...answer, body: '' }, true],
    ['xero', undefined, { ...answer, body: '', headers: { 'set-cookie': 'a=b' } }, false],
    ['adobe-io-events', 'challenge', answer, false],
    ['adobe-io-events', 'challenge', { ...answer, body: '{"challenge":"c0ffee"}' }, true],
    ['adobe-io-events', 'validation-url', answer, true],
  ] as const)('%s %s %o', (source, handshake, given, isTaken) => {
    const complaint = takenBy(source, handshake)(given, request)
    expect(complaint === undefined).toBe(isTaken)
  })
})

describe('bodies are written as the sources write them', () => {
  test('PHP escapes slashes and everything beyond ASCII', () => {
    expect(phpJson({ a: 'http://x/é 🐎' })).toBe('{"a":"http:\\/\\/x\\/\\u00e9 \\ud83d\\udc0e"}')
  })

  test('Rails escapes what could end a script', () => {
    expect(railsJson({ a: '</b> & é' })).toBe('{"a":"\\u003c/b\\u003e \\u0026 é"}')
  })

  test('a form carries its fields', () => {
    expect(form({ To: '+420', Body: 'a & b' })).toBe('To=%2B420&Body=a+%26+b')
  })

  test('ids of eighteen digits keep them all', () => {
    const { body } = signedRequest('shopify', givenFor('shopify'))
    const [, id = '', same] =
      /^\{"id":([0-9]{18}),"admin_graphql_api_id":"gid:\/\/shopify\/Order\/([0-9]+)"/.exec(body.toString()) ??
      []
    expect(id).toBe(same)
    expect(Number.isSafeInteger(Number(id))).toBe(false)
  })
})
