import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { checkDestination } from '../../src/integrations/destination-config.ts'
import { destinationWarnings } from '../../src/integrations/destination-warnings.ts'
import { maskSecrets, sealSecrets } from '../../src/integrations/secrets.ts'
import { createSealer } from '../../src/platform/sealing.ts'
import { encrypted, makeClient } from '../outbound/tls-receiver.ts'
import { makeCertificate } from '../world/certificates.ts'

const GIVEN = { kind: 'http', url: 'https://erp.example/orders/{{ id }}' }

function problemsOf(rest: object): string[] {
  const checked = checkDestination({ ...GIVEN, ...rest })
  return checked.ok ? [] : checked.problems.map(({ path, message }) => `${path}: ${message}`)
}

describe('the config of a destination', () => {
  test('needs an address, and has a sensible value for everything else', () => {
    expect(checkDestination(GIVEN)).toMatchObject({
      ok: true,
      config: {
        ...GIVEN,
        method: 'POST',
        headers: {},
        format: 'json',
        auth: { kind: 'none' },
        timeoutMs: 30_000,
        unknownFields: 'error',
        success: ['2xx'],
        retryOn: [],
        deadOn: [],
        responseBytesMax: 16_384,
        retry: {
          kind: 'exponential',
          triesMax: 12,
          firstDelayMs: 10_000,
          factor: 3,
          delayMaxMs: 21_600_000,
          retryAfterMaxMs: 86_400_000,
        },
      },
    })
    expect(problemsOf({ url: '' })).toHaveLength(1)
    expect(checkDestination({ kind: 'http' })).toMatchObject({ ok: false })
    expect(checkDestination(null)).toMatchObject({ ok: false })
  })

  test.each([
    'Host',
    'Content-Length',
    'transfer-encoding',
    'Connection',
    'Keep-Alive',
    'Upgrade',
    'TE',
    'Trailer',
    'Expect',
    'Proxy-Authorization',
    'Idempotency-Key',
    'webhook-id',
    'Sluice-Attempt',
    'x y',
    'x:y',
    'ä',
    '',
    'x\r\ny',
  ])('cannot set the header %j', (name) => {
    expect(problemsOf({ headers: { [name]: 'x' } }).join()).toContain('headers')
    expect(problemsOf({ auth: { kind: 'apiKey', in: 'header', name, value: 'x' } }).join()).toContain(
      'auth.name',
    )
  })

  test('cannot set a header twice, or one that auth sets', () => {
    expect(problemsOf({ headers: { 'X-A': '1', 'x-a': '2' } }).join()).toContain('twice')
    expect(problemsOf({ headers: { Authorization: 'x' } })).toEqual([])
    const auth = { kind: 'bearer', token: 'abc' }
    expect(problemsOf({ headers: { Authorization: 'x' }, auth }).join()).toContain('auth')
    const key = { kind: 'apiKey', in: 'header', name: 'X-Key', value: 'abc' }
    expect(problemsOf({ headers: { 'x-key': 'x' }, auth: key }).join()).toContain('auth')
  })

  test('may set its own content type and user agent', () => {
    expect(problemsOf({ headers: { 'Content-Type': 'application/vnd.x+json', 'User-Agent': 'x' } })).toEqual(
      [],
    )
  })

  test.each([
    [{ kind: 'bearer', token: 'a b' }],
    [{ kind: 'bearer', token: '' }],
    [{ kind: 'bearer', token: 'a\r\nx: y' }],
    [{ kind: 'basic', username: 'a:b', password: 'c' }],
    [{ kind: 'basic', username: 'a', password: 'c\n' }],
    [{ kind: 'apiKey', in: 'header', name: 'x-key', value: 'ä' }],
    [{ kind: 'apiKey', in: 'cookie', name: 'x-key', value: 'a' }],
    [{ kind: 'digest' }],
    [{ kind: 'none', token: 'x' }],
    [{ kind: 'header', header: 'Host', secrets: [{ secret: 'a' }] }],
    [{ kind: 'header', header: 'x-key', secrets: [] }],
    [{ kind: 'header', header: 'x-key', secrets: [{ secret: 'ä' }] }],
    [
      {
        kind: 'header',
        header: 'x-key',
        secrets: [
          { id: 'a', secret: 'x' },
          { id: 'a', secret: 'y' },
        ],
      },
    ],
    [{ kind: 'header', header: 'x-key', secrets: [{ secret: 'a', activeFrom: 'tomorrow' }] }],
    [{ kind: 'hmac', header: 'Webhook-Id', secrets: [{ secret: 'a' }] }],
    [{ kind: 'hmac', header: 'x-s', algorithm: 'md5', secrets: [{ secret: 'a' }] }],
    [{ kind: 'hmac', header: 'x-s', secrets: [{ secret: '' }] }],
    [{ kind: 'hmac', header: 'x-s', signedText: '{bodi}', secrets: [{ secret: 'a' }] }],
    [{ kind: 'hmac', header: 'x-s', signedText: '{timestamp}.{body}', secrets: [{ secret: 'a' }] }],
    [{ kind: 'hmac', header: 'x-s', timestampHeader: 'X-S', secrets: [{ secret: 'a' }] }],
    [{ kind: 'hmac', header: 'x-s', prefix: '{body}', secrets: [{ secret: 'a' }] }],
    [{ kind: 'hmac', header: 'x-s', prefix: 'a\r\nb: ', secrets: [{ secret: 'a' }] }],
    [{ kind: 'hmac', header: 'x-s', secretEncoding: 'hex', secrets: [{ secret: 'abc' }] }],
    [{ kind: 'hmac', header: 'x-s', secretEncoding: 'base64', secrets: [{ secret: '!!' }] }],
    [{ kind: 'standardWebhooks', secrets: [{ secret: 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }] }],
    [{ kind: 'standardWebhooks', secrets: [{ secret: 'whsec_MfKQ9r8GKYqr' }] }],
    [{ kind: 'oauth2', tokenUrl: 'https://a.example/token', clientId: 'a' }],
    [{ kind: 'oauth2', tokenUrl: '/token', clientId: 'a', secret: 'b' }],
    [{ kind: 'oauth2', tokenUrl: 'https://u:p@a.example/token', clientId: 'a', secret: 'b' }],
    [{ kind: 'oauth2', tokenUrl: 'file:///etc/passwd', clientId: 'a', secret: 'b' }],
  ])('refuses the auth %j', (auth) => {
    expect(problemsOf({ auth })).not.toEqual([])
  })

  test.each([
    'erp.example/orders',
    'ftp://erp.example/',
    'https://{{ host }}/',
    'https://erp.example:{{ port }}/',
    '{{ scheme }}://erp.example/',
    'https://erp{{ x }}.example/',
    'https://u:p@erp.example/',
    'https://erp.example/{{',
    'https://erp.example/a b',
    'https://erp.example/{% include "x" %}',
    'https://erp.example/../{{ id }}',
  ])('refuses the address %j', (url) => {
    expect(problemsOf({ url }).join()).toContain('url')
  })

  test('refuses a header whose template cannot be read', () => {
    expect(problemsOf({ headers: { 'X-Id': '{{ id' } }).join()).toContain('headers.X-Id')
  })

  test('is accepted as it is stored, with sealed secrets, also the longest', () => {
    const sealer = createSealer(randomBytes(32))
    for (const password of ['', 'ä'.repeat(10), '漢'.repeat(4_000)]) {
      const auth = { kind: 'basic', username: 'u', password }
      expect(problemsOf({ auth })).toEqual([])
      expect(problemsOf({ auth: { ...auth, password: sealer.seal(password, 'destination:1') } })).toEqual([])
    }
    expect(problemsOf({ auth: { kind: 'bearer', token: 'x'.repeat(4_001) } })).toHaveLength(1)
  })

  test.each([
    { method: 'TRACE' },
    { kind: 'ftp' },
    { format: 'csv' },
    { timeoutMs: 0 },
    { timeoutMs: 10_000_000 },
    { success: [] },
    { success: [500] },
    { success: ['3xx'] },
    { retry: { triesMax: 0 } },
    { retry: { factor: 0.5 } },
    { xmlRoot: '1x' },
    { xmlRoot: 'a b' },
    { surprise: 1 },
    { retry: { kind: 'never' } },
    { retry: { kind: 'fixed', factor: 2 } },
    { retry: { kind: 'schedule' } },
    { retry: { kind: 'schedule', delaysMs: [1] } },
    { retry: { ageMaxMs: 1 } },
    { retryOn: [404], deadOn: [404] },
    { success: [404], retryOn: [404] },
    { deadOn: ['aborted'] },
    { deadOn: ['2xx'] },
    { responseBytesMax: 65_537 },
    { unknownFields: 'null' },
    { body: { template: '{{', contentType: 'application/json' } },
    { body: { template: '{{ a }}', contentType: 'a\r\nb' } },
    { body: { template: '', contentType: 'application/json' } },
    { body: { template: '{}', contentType: 'application/json' }, method: 'GET' },
    { body: { template: '{}', contentType: 'application/json' }, headers: { 'Content-Type': 'x' } },
  ])('refuses %j', (rest) => {
    expect(problemsOf(rest)).not.toEqual([])
  })

  test('a problem never shows the secret it is about', () => {
    expect(problemsOf({ auth: { kind: 'bearer', token: 'hush hush' } }).join()).not.toContain('hush')
  })

  test('cannot set a header that its auth sets, whichever auth it is', () => {
    const secrets = [{ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }]
    for (const [name, auth] of [
      ['X-Sign', { kind: 'hmac', header: 'x-sign', secrets }],
      ['X-Time', { kind: 'hmac', header: 'x-sign', timestampHeader: 'x-time', secrets }],
      ['X-Key', { kind: 'header', header: 'x-key', secrets }],
      ['Webhook-Signature', { kind: 'standardWebhooks', secrets }],
      ['Webhook-Timestamp', { kind: 'standardWebhooks', secrets }],
      ['Authorization', { kind: 'oauth2', tokenUrl: 'https://a.example/', clientId: 'a', secret: 'b' }],
    ] as const) {
      expect(problemsOf({ auth })).toEqual([])
      expect(problemsOf({ auth, headers: { [name]: 'x' } })).toEqual([
        `headers.${name}: is already set by auth`,
      ])
    }
  })

  test('names secrets that take turns, the same each time it is read', () => {
    const secrets = [{ secret: 'a' }, { id: 's1', secret: 'b' }, { secret: 'c' }]
    const checked = checkDestination({ ...GIVEN, auth: { kind: 'header', header: 'x-key', secrets } })
    if (!checked.ok) throw new Error('not read')
    const ids = ['s2', 's1', 's3'].map((id) => ({ id }))
    expect(checked.config).toMatchObject({ auth: { secrets: ids } })
    expect(checkDestination(checked.config)).toEqual(checked)
  })
})

describe('a client certificate', () => {
  const ours = makeClient('ours')
  const key = encrypted(ours.key, 'open sesame')

  test('is accepted with its key, encrypted or not', () => {
    expect(problemsOf({ clientCertificate: ours })).toEqual([])
    expect(problemsOf({ clientCertificate: { ...ours, key, passphrase: 'open sesame' } })).toEqual([])
  })

  test.each([
    [{ ...ours, key: makeClient('other').key }, 'clientCertificate.key: is not the key of the certificate'],
    [{ ...ours, key }, 'clientCertificate.key: cannot be read, or is encrypted and needs a passphrase'],
    [{ ...ours, key, passphrase: 'hush' }, 'clientCertificate.key: cannot be read with this passphrase'],
    [{ ...ours, key: 'hush' }, 'clientCertificate.key: is not a private key in PEM'],
    [{ ...ours, cert: 'hush' }, 'clientCertificate.cert: is not one or more certificates in PEM'],
    [{ ...ours, ca: ours.key }, 'clientCertificate.ca: is not one or more certificates in PEM'],
  ])('%#: a problem says which part is wrong', (clientCertificate, problem) => {
    expect(problemsOf({ clientCertificate })).toEqual([problem])
  })

  test('needs an https address', () => {
    expect(problemsOf({ url: 'http://erp.example/', clientCertificate: ours })).toEqual([
      'clientCertificate: can be shown to an https address only',
    ])
  })
})

test('every config is accepted as it is stored, sealed, and as it is shown, masked', () => {
  const sealer = createSealer(randomBytes(32))
  const ours = makeClient('ours')
  const standard = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const configs = [
    { auth: { kind: 'hmac', header: 'x-s', secretEncoding: 'hex', secrets: [{ secret: 'abcd' }] } },
    { auth: { kind: 'standardWebhooks', secrets: [{ secret: standard }] } },
    { auth: { kind: 'header', header: 'x-s', secrets: [{ secret: 'abcdef' }] } },
    { auth: { kind: 'oauth2', tokenUrl: 'https://a.example/', clientId: 'a', secret: 'bcdefg' } },
    { clientCertificate: { ...ours, key: encrypted(ours.key, 'sesame'), passphrase: 'sesame' } },
  ]
  for (const rest of configs) {
    const given = { ...GIVEN, ...rest }
    expect(problemsOf(rest)).toEqual([])
    const sealed = sealSecrets(given, sealer, 'destination:1')
    expect(JSON.stringify(sealed)).not.toMatch(/abcd|whsec|bcdefg|PRIVATE|sesame/)
    expect(problemsOf(sealed)).toEqual([])
    expect(JSON.stringify(maskSecrets(given))).not.toMatch(/abcd|whsec|bcdefg|PRIVATE|sesame/)
    expect(problemsOf(maskSecrets(given))).toEqual([])
  }
})

describe('warnings', () => {
  const NOW = new Date('2026-03-01T00:00:00Z')
  const warningsOf = (rest: object) => {
    const checked = checkDestination({ ...GIVEN, ...rest })
    if (!checked.ok) throw new Error(JSON.stringify(checked.problems))
    return destinationWarnings(checked.config, NOW)
  }

  test('are none for https', () => {
    expect(warningsOf({})).toEqual([])
    expect(warningsOf({ clientCertificate: makeClient('ours') })).toEqual([])
  })

  test('name an http address, of the token URL too', () => {
    expect(warningsOf({ url: 'HTTP://erp.example/' })).toMatchObject([{ path: 'url' }])
    const auth = { kind: 'oauth2', tokenUrl: 'http://a.example/', clientId: 'a', secret: 'hush' }
    const warnings = warningsOf({ url: 'http://erp.example/', auth })
    expect(warnings.map(({ path }) => path)).toEqual(['url', 'auth.tokenUrl'])
    expect(warnings[0]?.message).toContain('credentials')
    expect(JSON.stringify(warnings)).not.toContain('hush')
  })

  test.each([
    ['2026-02-28', 'ended on 2026-02-28'],
    ['2026-03-20', 'ends on 2026-03-20'],
  ])('name a certificate that ends %s', (to, said) => {
    const { cert, key } = makeCertificate({ subject: [[['CN', 'ours']]], to: new Date(to) })
    expect(warningsOf({ clientCertificate: { cert, key } })).toMatchObject([
      { path: 'clientCertificate.cert', message: expect.stringContaining(said) },
    ])
  })
})

describe('a batch', () => {
  const url = 'https://erp.example/orders'

  test('has a sensible size and wait', () => {
    expect(checkDestination({ ...GIVEN, url, batch: {} })).toMatchObject({
      ok: true,
      config: { batch: { itemsMax: 100, bytesMax: 1_048_576, waitMs: 1_000, as: 'array', apart: false } },
    })
  })

  test.each<[object, string]>([
    [{ format: 'xml' }, 'a batch is JSON: the format "xml" has no place for several items'],
    [{ format: 'form' }, 'the format "form"'],
    [{ format: 'original' }, 'the format "original"'],
    [{ method: 'DELETE' }, 'a DELETE request sends no body'],
    [{ body: { template: '{{ batch.id }}', contentType: 'text/plain' } }, 'not written from a template'],
    [{ url: 'https://erp.example/{{ order.id }}' }, 'url: has the field "order" of one item'],
    [{ url: 'https://erp.example/{{ batch.total }}' }, 'url: unknown field batch.total'],
    [{ headers: { 'X-Shop': '{{ shop }}' } }, 'headers.X-Shop: has the field "shop"'],
    [{ batch: { around: { a: 1 } } }, 'batch.around: is for "as": "object"'],
    [{ batch: { as: 'object', around: { items: 1 } } }, 'batch.around.items: is the field of the items'],
    [{ batch: { as: 'object', around: { a: '{{ id }}' } } }, 'batch.around.a: has the field "id"'],
    [{ batch: { idField: 'a', itemField: 'a' } }, 'batch.itemField: is idField already'],
    [{ batch: { itemsMax: 1_001 } }, 'batch.itemsMax'],
    [{ batch: { results: { path: 'a', match: 'index' } } }, 'batch.results.matchPath: is missing'],
    [{ batch: { results: { path: 'a', lists: 'failed' } } }, 'batch.results.match: must be index or id'],
    [
      { batch: { results: { path: 'a', match: 'id', matchPath: 'id' } } },
      'batch.results.itemPath: is missing',
    ],
    [{ batch: { results: { path: 'a[' } } }, 'batch.results.path'],
  ])('does not go with %j', (more, problem) => {
    expect(problemsOf({ url, batch: {}, ...more }).join('\n')).toContain(problem)
  })

  test('may say in address and headers which it is and how large', () => {
    const headers = { 'X-Size': '{{ batch.count }}' }
    expect(problemsOf({ url: `${url}/{{ batch.id }}`, headers, batch: {} })).toEqual([])
  })

  test('is refused in a sentence by every other kind', () => {
    for (const kind of ['postgres', 'mysql', 'redis', 'rabbitmq', 'smtp', 'file']) {
      const checked = checkDestination({ kind, batch: {} })
      const problems = checked.ok ? [] : checked.problems.map(({ message }) => message)
      expect(problems.join('\n')).toContain('only destinations of the kind "http" have a batch')
    }
  })
})

test('the original body goes with no other', () => {
  expect(problemsOf({ format: 'original' })).toEqual([])
  expect(problemsOf({ format: 'original', method: 'GET' }).join()).toContain('a GET request sends no body')
  const body = { template: 'x', contentType: 'text/plain' }
  expect(problemsOf({ format: 'original', body }).join()).toContain('the original body is sent')
})
