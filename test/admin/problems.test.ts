import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answersOn, openSocket } from '../edge/world.ts'
import { ADMIN_KEY, apiAt, startTestGateway, type TestGateway } from '../world/gateway.ts'

let world: TestGateway
let shop: { id: string }

beforeAll(async () => {
  world = await startTestGateway()
  shop = await world.api.application('shop')
})
afterAll(() => world.close())

const transform = (more: object) => ({ nodes: [{ id: 'map', kind: 'transform', ...more }] })
const integration = (definition: object, more: object = {}) => ({
  applicationId: shop.id,
  name: 'orders',
  definition,
  ...more,
})
const destination = (config: object) => ({
  applicationId: shop.id,
  name: 'crm',
  config: { kind: 'http', url: 'https://crm.example', ...config },
})
const functionOf = (source: string) => ({ applicationId: shop.id, name: 'orders', source })
const NOBODY = '00000000-0000-7000-8000-000000000000'

/** What is wrong, where it is sent, the place that the answer names and a piece of what it says. */
const WRONG: [what: string, path: string, body: () => unknown, place: string, message: RegExp][] = [
  [
    'a slug that is no host name',
    '/applications',
    () => ({ slug: 'My Shop', name: 'x' }),
    'slug',
    /lower-case/,
  ],
  ...['-shop', 'shop-', 'shop.eu', 'shöp', 'x'.repeat(56)].map((slug): (typeof WRONG)[number] => [
    `the slug ${slug}`,
    '/applications',
    () => ({ slug, name: 'x' }),
    'slug',
    /lower-case.*at most 55/,
  ]),
  ...['a\0b', 'a\ud800b'].map((name): (typeof WRONG)[number] => [
    'a name that the database would change or refuse',
    '/applications',
    () => ({ slug: 'x', name }),
    'name',
    /cannot be kept/,
  ]),
  ['a missing name', '/applications', () => ({ slug: 'x' }), 'name', /./],
  ['a field that does not exist', '/applications', () => ({ slug: 'x', name: 'x', sulg: 1 }), '', /sulg/],
  [
    'an allowlist entry that is neither address nor domain',
    '/applications',
    () => ({ slug: 'x', name: 'x', allowedList: ['shopify.com', '10.0.0.0/99'] }),
    'allowedList',
    /10\.0\.0\.0\/99/,
  ],
  [
    'an unknown application',
    '/integrations',
    () => integration(transform({}), { applicationId: NOBODY }),
    'applicationId',
    /no such application/,
  ],
  [
    'a short id without proof',
    '/integrations',
    () => integration(transform({}), { id: 'ABC123' }),
    'id',
    /needs a definition with "proof"/,
  ],
  [
    'a secret as it is shown, where there is none to keep',
    '/integrations',
    () =>
      integration({
        ...transform({}),
        source: 'shopify',
        proof: { secrets: [{ secret: 'one' }, { secret: '***' }] },
      }),
    'definition.proof.secrets.1.secret',
    /no secret here to keep/,
  ],
  [
    'a secret of a destination as it is shown',
    '/destinations',
    () => destination({ auth: { kind: 'bearer', token: '***' } }),
    'config.auth.token',
    /no secret here to keep/,
  ],
  [
    'two secrets of one name',
    '/integrations',
    () =>
      integration({
        ...transform({}),
        source: 'shopify',
        proof: {
          secrets: [
            { id: 'a', secret: 'one' },
            { id: 'a', secret: 'two' },
          ],
        },
      }),
    'definition.proof',
    /two secrets have the id "a"/,
  ],
  [
    'a proof that its source does not know',
    '/integrations',
    () => integration({ ...transform({}), source: 'shopify', proof: { scheme: 'header' } }),
    'definition.proof',
    /./,
  ],
  [
    'published addresses of a source that publishes none',
    '/integrations',
    () => integration({ ...transform({}), source: 'shopify', allowPublished: true }),
    'definition.allowPublished',
    /Shopify publishes no addresses/,
  ],
  [
    'an id with a character that no address has',
    '/integrations',
    () => integration(transform({}), { id: 'a/b c' }),
    'id',
    /./,
  ],
  [
    'a mapping rule that does not compile',
    '/integrations',
    () => integration(transform({ mapping: { total: { from: 'order.total', transforms: ['numbr'] } } })),
    'definition.nodes.0.mapping.total',
    /numbr/,
  ],
  [
    'a static value with an unknown key beside it',
    '/integrations',
    () => integration(transform({ mapping: { total: { valeu: 1 } } })),
    'definition.nodes.0.mapping.total',
    /./,
  ],
  [
    'an expression that JSONata cannot read',
    '/integrations',
    () => integration(transform({ mapping: { total: { expression: '$sum(items.(price * ' } } })),
    'definition.nodes.0.mapping.total.expression',
    /^rule "total": Expected "\)" before end of expression \(S0203 at character 20\)$/,
  ],
  [
    'an expression within $each, beside one that can be read',
    '/integrations',
    () =>
      integration(
        transform({
          mapping: {
            count: { expression: '$count(items)' },
            lines: { $each: 'items', fields: { id: { expression: 'id = 820982911946154508999' } } },
          },
        }),
      ),
    'definition.nodes.0.mapping.lines.fields.id.expression',
    /^rule "lines\[\]\.id": .*too long to be exact/,
  ],
  [
    'a bad path in a definition',
    '/integrations',
    () => integration({ ...transform({}), split: 'orders[' }),
    'definition.split',
    /./,
  ],
  [
    'an allowlist entry of an integration',
    '/integrations',
    () => integration({ ...transform({}), allowedList: ['not_an_entry'] }),
    'definition.allowedList',
    /not_an_entry/,
  ],
  [
    'nodes that go in a circle',
    '/integrations',
    () =>
      integration({
        nodes: [
          { id: 'a', kind: 'transform', next: ['b'] },
          { id: 'b', kind: 'transform', next: ['a'] },
        ],
      }),
    'definition.nodes',
    /in a circle: a → b → a/,
  ],
  [
    'a node that leads nowhere',
    '/integrations',
    () => integration(transform({ next: ['gone'] })),
    'definition.nodes',
    /"gone", which does not exist/,
  ],
  [
    'a function that is not there',
    '/integrations',
    () => integration(transform({ function: 'gone' })),
    'definition.nodes.0.function',
    /no rewrite function "gone"/,
  ],
  [
    'a destination that is not there',
    '/integrations',
    () => integration({ nodes: [{ id: 'p', kind: 'push', destination: NOBODY }] }),
    'definition.nodes.0.destination',
    /no such destination/,
  ],
  [
    'a condition that is none',
    '/integrations',
    () =>
      integration({
        nodes: [{ id: 'if', kind: 'decision', branches: [{ when: { path: 'a', op: 'equals' } }] }],
      }),
    'definition.nodes.0.branches.0.when.value',
    /missing/,
  ],
  [
    'a URL template whose host is a field',
    '/destinations',
    () => destination({ url: 'https://{{ host }}/x' }),
    'config.url',
    /literal host/,
  ],
  [
    'a URL template with an open tag',
    '/destinations',
    () => destination({ url: 'https://crm.example/{{ id' }),
    'config.url',
    /./,
  ],
  [
    'a header that is not free to choose',
    '/destinations',
    () => destination({ headers: { 'Content-Length': '5' } }),
    'config.headers.Content-Length',
    /./,
  ],
  [
    'a function with a syntax error',
    '/functions',
    () => functionOf('const a = 1\nreturn { jobStatus: }'),
    'source',
    /^line 2, column 21: /,
  ],
  [
    'a function whose source the database would refuse',
    '/functions',
    () => functionOf('// \0\nreturn { jobStatus: 1 }'),
    'source',
    /cannot be kept/,
  ],
  [
    'a function that is too long',
    '/functions',
    () => functionOf(`return { jobStatus: 1 } //${'x'.repeat(300_000)}`),
    'source',
    /^the source is longer than 262144 characters$/,
  ],
]

describe('an error names its place', () => {
  test.each(WRONG)('%s', async (_what, path, body, place, message) => {
    const answer = await world.api.call('POST', path, body())
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ type: 'about:blank', status: 400, title: 'The request is wrong' })
    const places = answer.body.errors.map((error: { path: string }) => error.path)
    expect(places.some((named: string) => named === place || named.startsWith(`${place}.`))).toBe(true)
    expect(answer.body.errors.map((error: { message: string }) => error.message).join('\n')).toMatch(message)
  })

  test('a kept secret that has not the form that another source asks for', async () => {
    const proof = { secrets: [{ id: 'kept', secret: 'no hex' }] }
    const made = await world.api.integration(shop.id, { ...transform({}), source: 'shopify', proof })
    const masked = { secrets: [{ id: 'kept', secret: '***' }] }
    const definition = { ...transform({}), source: 'adyen', proof: masked }
    const { status, body } = await world.api.call('PATCH', `/integrations/${made.id}`, { definition })
    expect([status, body.errors.map(({ path }: { path: string }) => path)]).toEqual([
      400,
      ['definition.proof.secrets.0.secret'],
    ])
  })

  test('several wrong fields are all named at once', async () => {
    const { body } = await world.api.call('POST', '/applications', { slug: 'A B', allowedList: ['?'] })
    expect(body.errors.map((error: { path: string }) => error.path).toSorted()).toEqual([
      'allowedList',
      'name',
      'slug',
    ])
  })

  test.each([
    '/applications',
    '/integrations',
    '/api-keys',
    '/audit-log',
    '/dead-letters',
    '/deliveries',
    '/erasures',
    '/events',
    '/incidents',
    '/replays',
    '/requests',
  ])('a parameter that %s does not know, which would else be a filter that filters nothing', async (path) => {
    const { status, body } = await world.api.call('GET', `${path}?unknown=1`)
    expect([status, body.errors]).toEqual([
      400,
      [{ path: '', message: expect.stringContaining('"unknown"') }],
    ])
  })

  test.each(['/events', '/requests', '/audit-log'])('an address that %s cannot read', async (path) => {
    const { status, body } = await world.api.call('GET', `${path}?sourceIp=abc`)
    expect([status, body.errors]).toEqual([
      400,
      [{ path: 'sourceIp', message: 'expected an IPv4 or IPv6 address' }],
    ])
  })

  test.each(['/alert-channels/%00', '/integrations/%00', '/incidents?integrationId=%00'])(
    'an id that the database could not be asked for, in %s, whatever the key is for',
    async (path) => {
      const { body: made } = await world.api.call('POST', '/api-keys', {
        name: 'of the shop',
        role: 'viewer',
        applicationId: shop.id,
      })
      const answers = [await world.api.call('GET', path), await apiAt(world.url, made.key).call('GET', path)]
      expect(answers.map(({ status }) => [400, 404].includes(status))).toEqual([true, true])
    },
  )

  test('a slug that is taken', async () => {
    const made = await world.api.application('taken')
    for (const answer of [
      await world.api.call('POST', '/applications', { slug: 'taken', name: 'x' }),
      await world.api.call('PATCH', `/applications/${shop.id}`, { slug: 'taken' }),
    ]) {
      expect(answer).toMatchObject({ status: 409, body: { detail: 'the slug "taken" is taken' } })
    }
    expect((await world.api.call('PATCH', `/applications/${made.id}`, { slug: 'taken' })).status).toBe(200)
  })

  test('what is taken in the same moment', async () => {
    const definition = {
      ...transform({}),
      proof: { scheme: 'header', header: 'x-key', secrets: [{ secret: 'one' }] },
    }
    const makings: [string, object][] = [
      ['/applications', { slug: 'at-once', name: 'x' }],
      ['/integrations', integration(definition, { id: 'at-once' })],
      ['/functions', { ...functionOf('return { jobStatus: 1 }'), name: 'at-once' }],
    ]
    for (const [path, body] of makings) {
      const answers = await Promise.all([1, 2, 3, 4].map(() => world.api.call('POST', path, body)))
      expect([path, answers.map(({ status }) => status).toSorted()]).toEqual([path, [201, 409, 409, 409]])
    }
  })

  test('what was taken through another process a moment ago, and is not heard of here yet', async () => {
    const other = await startTestGateway({ databaseUrl: world.gateway.settings.DATABASE_URL })
    const id = '0123456789abcdef01234567'
    const made = await Promise.all([
      world.api.call('POST', '/integrations', integration(transform({}), { id })),
      other.api.call('POST', '/integrations', integration(transform({}), { id })),
    ])
    await other.close()
    expect(made.map(({ status }) => status).toSorted()).toEqual([201, 409])
    const refused = made.find(({ status }) => status === 409)
    expect(refused?.body.detail).toBe(`the id "${id}" is taken`)
  })

  test('what is not there, and what is no address of the API', async () => {
    const missing = await world.api.call('GET', '/applications/none')
    expect(missing).toMatchObject({ status: 404, body: { detail: 'there is no application "none"' } })
    expect((await world.api.call('GET', '/nothing')).status).toBe(404)
    expect((await world.api.call('GET', '/events/none')).body.errors[0].path).toBe('id')
    expect((await world.api.call('GET', '/events?status=lost')).body.errors[0].path).toBe('status')
  })

  test.each([
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00%2B14:00',
    '9999-12-31T23:59:59-14:00',
    '2026-02-30T00:00:00Z',
  ])('a time that is none for the database: %s', async (moment) => {
    for (const query of [`/events?from=${moment}`, `/requests?to=${moment}`]) {
      const { status, body } = await world.api.call('GET', query)
      expect([query, status]).toEqual([query, 400])
      expect(body.errors[0].path).toBe(query.includes('from') ? 'from' : 'to')
    }
  })

  test('a change without a body', async () => {
    expect(await world.api.call('PATCH', `/applications/${shop.id}`)).toMatchObject({
      status: 400,
      body: { detail: 'the body is missing: send JSON' },
    })
    expect((await world.api.call('POST', '/applications')).status).toBe(400)
  })
})

describe('a body', () => {
  async function post(body: string, contentType = 'application/json') {
    const response = await fetch(`${world.url}/api/v1/applications`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': contentType },
      body,
    })
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    return (await response.json()) as { status: number; detail: string }
  }

  test('that is no JSON is refused with the place', async () => {
    expect(await post('{"slug": "x",\n "name" }')).toMatchObject({
      status: 400,
      detail: expect.stringContaining('line 2, column'),
    })
  })

  test('that nests too deeply is refused', async () => {
    const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
    expect((await post(deep(101))).detail).toContain('nested deeper than 100 levels')
    expect((await post(deep(500_000))).detail).toContain('nested deeper than 100 levels')
    expect((await post(deep(100))).detail).toBe('some fields are wrong')
  })

  test('that is too large is refused', async () => {
    const tooLarge = `{"name":"${'x'.repeat(4 * 1024 * 1024)}"}`
    // The connection ends with the answer, and whoever sends the next request knows.
    for (let round = 0; round < 5; round++) {
      expect(await post(tooLarge)).toMatchObject({ status: 413 })
      expect(await post('{}')).toMatchObject({ status: 400 })
    }
  })

  test.each([
    ['in its length', 'content-length: 9\r\n\r\n{"slug":'],
    ['in its chunks', 'transfer-encoding: chunked\r\n\r\n9\r\n{"slug":'],
  ])('that breaks off %s is refused', async (_where, rest) => {
    const socket = await openSocket(world.gateway.adminPort)
    const answers = answersOn(socket)
    const type = 'content-type: application/json\r\n'
    socket.end(
      `POST /api/v1/applications HTTP/1.1\r\nhost: h\r\nauthorization: Bearer ${ADMIN_KEY}\r\n${type}${rest}`,
    )
    expect(await answers).toMatch(/^HTTP\/1\.1 400 [\s\S]*"detail":"the request broke off before its end"/)
  })

  test('of another type is refused', async () => {
    expect(await post('slug=x', 'application/x-www-form-urlencoded')).toMatchObject({ status: 415 })
    expect(await post('{}', 'text/plain')).toMatchObject({ status: 415 })
  })

  test('whose keys are names of every object does no harm', async () => {
    expect(await post('{"__proto__":{"slug":"x"},"constructor":1}')).toMatchObject({ status: 400 })
    expect(({} as Record<string, unknown>).slug).toBeUndefined()
  })
})
