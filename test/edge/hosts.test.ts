import { createHmac } from 'node:crypto'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ACCEPTED, type EdgeWorld, expectHealthy, startEdge } from './world.ts'

let world: EdgeWorld
let id: string
let otherId: string

beforeAll(async () => {
  world = await startEdge({ BASE_DOMAIN: 'Hooks.Example.test.' })
  id = await world.integration()
  const other = await world.api.application('other')
  otherId = (await world.api.integration(other.id, { nodes: [{ id: 'n', kind: 'transform' }] })).id
})
afterAll(() => world.close())

const UNKNOWN = { status: 404, body: '{"result":false,"error":"There is no such integration"}' }
const at = (host: string, called = id) => world.send(called, '{}', { host })

test.each(['.1', '1.2.3.4.5', '999.1.1.1', 'webhook-shop.hooks.example.test:99999'])(
  'a Host that is no address, %s, is a bad request and no defect',
  async (host) => {
    for (const path of [`/integration/${id}`, '/health/live', '/']) {
      const answer = await world.raw(
        `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`,
      )
      expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    }
    await expectHealthy(world, id)
  },
)

describe("an application's own host name", () => {
  test.each([
    'webhook-shop.hooks.example.test',
    'WEBHOOK-Shop.Hooks.Example.TEST',
    'webhook-shop.hooks.example.test:8443',
    'webhook-shop.hooks.example.test.',
  ])('%s takes its webhooks', async (host) => {
    expect(await at(host)).toMatchObject(ACCEPTED)
    const headers = { host, 'content-type': 'text/plain' }
    expect(await world.ask(`/integration/${id}/xml`, { headers, body: '<a/>' })).toMatchObject(ACCEPTED)
  })

  test.each([
    'webhook-shop.hooks.example.test',
    'webhook-nobody.hooks.example.test',
    'webhook-.hooks.example.test',
  ])('%s knows nothing of the integrations of others', async (host) => {
    expect(await at(host, otherId)).toMatchObject(UNKNOWN)
  })

  test('without a domain name around it is a common address', async () => {
    expect(await at('webhook-shop.elsewhere.test', otherId)).toMatchObject(ACCEPTED)
  })

  test.each([
    'webhook-shop.hooks.example.test',
    'webhook-shop.hooks.example.test.',
    'webhook-shop.hooks.example.test:80',
    'webhook-nobody.hooks.example.test',
  ])('%s answers nothing else', async (host) => {
    const key = { host, authorization: 'Bearer test-admin-key-of-thirty-two-characters' }
    for (const path of [
      '/',
      '/health/live',
      '/health/ready',
      '/metrics',
      '/api/v1/events',
      '/api/v1/openapi.json',
    ]) {
      const answer = await world.ask(path, { method: 'GET', headers: key })
      expect(answer).toMatchObject({
        status: 404,
        body: '{"result":false,"error":"Webhooks are sent to /integration/<id>"}',
      })
    }
  })

  test.each([
    'GET /integration/../api/v1/events',
    'GET /integration/..%2fapi/v1/events',
    'GET http://webhook-shop.hooks.example.test/metrics',
    'GET http://webhook-shop.hooks.example.test:80/health/live',
    'GET http://u:p@webhook-shop.hooks.example.test/health/live',
    'GET //health/live',
  ])('cannot be got round by %s', async (line) => {
    const answer = await world.raw(
      `${line} HTTP/1.1\r\nhost: ${line.includes('http') ? 'common.test' : 'webhook-shop.hooks.example.test'}\r\nconnection: close\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 404 .*[\s\S]*\{"result":false/)
  })
})

test('the common address takes the webhooks of all, and answers the rest too', async () => {
  expect(await at('anything.test')).toMatchObject(ACCEPTED)
  expect(await at('anything.test', otherId)).toMatchObject(ACCEPTED)
  expect((await world.ask('/health/live', { method: 'GET' })).status).toBe(200)
})

test('the API tells the addresses of an integration under its own host name', async () => {
  const { body } = await world.api.call('GET', `/integrations/${id}`)
  expect(id).toMatch(/^[0-9a-f]{24}$/)
  expect(body.webhookUrl).toBe(`https://webhook-shop.hooks.example.test/integration/${id}`)
  expect(body.webhookXmlUrl).toBe(`${body.webhookUrl}/xml`)
})

test('without BASE_DOMAIN the API tells the address that it was called under, and that address works', async () => {
  const plain = await startEdge()
  const created = await plain.api.integration(plain.shop.id, { nodes: [{ id: 'n', kind: 'transform' }] })
  expect(created.webhookUrl).toBe(`http://127.0.0.1:${plain.port}/integration/${created.id}`)
  const answer = await fetch(created.webhookXmlUrl, { method: 'POST', body: '<a/>' })
  expect(await answer.text()).toBe(ACCEPTED.body)
  await plain.close()
})

function statusAt(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', path: '/health/live', headers: { host } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    asked.on('error', reject).end()
  })
}

test('ADMIN_PORT leaves nothing but webhooks on the port of the webhooks', async () => {
  const port = await freePort()
  const apart = await startEdge({ ADMIN_PORT: String(port), BASE_DOMAIN: 'hooks.example.test' })
  expect(await apart.send(await apart.integration())).toMatchObject(ACCEPTED)
  for (const path of ['/api/v1/events', '/metrics', '/health/live'])
    expect((await apart.ask(path, { method: 'GET' })).status).toBe(404)
  // Nor has the name of an application anything else on the other port.
  const host = 'webhook-shop.hooks.example.test'
  for (const [name, status] of Object.entries({ [host]: 404, 'admin.example.test': 200 }))
    expect(await statusAt(port, name)).toBe(status)
  await apart.close()
})

test('a change of an application is seen at once', async () => {
  const app = await world.api.application('turned-off')
  const made = await world.api.integration(app.id, { nodes: [{ id: 'n', kind: 'transform' }] })
  expect(await at('h', made.id)).toMatchObject(ACCEPTED)
  await world.api.call('PATCH', `/applications/${app.id}`, { webhooksEnabled: false })
  expect(JSON.parse((await at('h', made.id)).body).error).toBe('Webhooks are disabled for this application')
  await world.api.call('PATCH', `/applications/${app.id}`, { webhooksEnabled: true, slug: 'renamed' })
  expect(await at('webhook-turned-off.hooks.example.test', made.id)).toMatchObject(UNKNOWN)
  expect(await at('webhook-renamed.hooks.example.test', made.id)).toMatchObject(ACCEPTED)
  await world.api.call('DELETE', `/integrations/${made.id}`)
  expect(await at('h', made.id)).toMatchObject(UNKNOWN)
})

describe('a proof', () => {
  const secret = 'open sesame'
  const hmac = (algorithm: string, encoding: 'hex' | 'base64', body: string) =>
    createHmac(algorithm, secret).update(body).digest(encoding)

  test('is needed for an id that can be guessed', async () => {
    const nodes = [{ id: 'n', kind: 'transform' }]
    const create = (definition: object, chosen: string) =>
      world.api.call('POST', '/integrations', {
        id: chosen,
        applicationId: world.shop.id,
        name: 'short',
        definition: { nodes, ...definition },
      })
    expect((await create({}, 'ABC123')).status).toBe(400)
    expect(
      (await create({ proof: { scheme: 'header', header: 'X-Proof', secrets: [{ secret }] } }, 'ABC123'))
        .status,
    ).toBe(201)
    expect(await world.send('ABC123', '{}', { 'x-proof': secret })).toMatchObject(ACCEPTED)
    expect((await world.send('ABC123', '{}')).status).toBe(401)
    expect((await world.send('abc123', '{}', { 'x-proof': secret })).status).toBe(404)
    const { status } = await world.api.call('PATCH', '/integrations/ABC123', {
      definition: { nodes, proof: null },
    })
    expect(status).toBe(400)
  })

  test('by header is the secret and nothing like it', async () => {
    const proven = await world.integration({
      proof: { scheme: 'header', header: 'X-Proof', secrets: [{ secret }] },
    })
    expect(await world.send(proven, '{}', { 'X-PROOF': secret })).toMatchObject(ACCEPTED)
    const wrong: Record<string, string | string[]>[] = [
      {},
      { 'x-proof': '' },
      { 'x-proof': 'Open sesame' },
      { 'x-proof': 'open sesame!' },
      { 'x-proof': [secret, secret] },
    ]
    for (const headers of wrong) {
      const answer = await world.ask(`/integration/${proven}`, { headers, body: '{}' })
      expect(answer).toMatchObject({
        status: 401,
        body: '{"result":false,"error":"The proof of the sender is missing or wrong"}',
      })
    }
  })

  test.each([
    ['sha256', 'base64', ''],
    ['sha256', 'hex', 'sha256='],
    ['sha1', 'hex', ''],
    ['sha512', 'base64', ''],
  ] as const)('by HMAC with %s in %s holds for the exact bytes only', async (algorithm, encoding, prefix) => {
    const proof = {
      scheme: 'hmac',
      header: 'X-Signature',
      secrets: [{ secret }],
      algorithm,
      encoding,
      prefix,
    }
    const proven = await world.integration({ proof })
    const body = '{ "id": 1.0 , "name": "\\u00eb" }'
    const signature = `${prefix}${hmac(algorithm, encoding, body)}`
    expect(await world.send(proven, body, { 'x-signature': signature })).toMatchObject(ACCEPTED)
    expect((await world.send(proven, `${body} `, { 'x-signature': signature })).status).toBe(401)
    expect((await world.send(proven, body, { 'x-signature': signature.slice(0, -1) })).status).toBe(401)
    expect((await world.send(proven, body)).status).toBe(401)
  })

  test('is judged before the body is parsed, and does not replace the address', async () => {
    const proven = await world.integration({
      proof: { scheme: 'header', header: 'X-Proof', secrets: [{ secret }] },
    })
    expect((await world.send(proven, '{broken', { 'x-proof': 'wrong' })).status).toBe(401)
    expect((await world.send(proven, '{broken', { 'x-proof': secret })).status).toBe(400)
    const strict = await startEdge({ RETRIEVE_ALLOWED_LIST: '203.0.113.5' })
    const there = await strict.integration({
      proof: { scheme: 'header', header: 'X-Proof', secrets: [{ secret }] },
    })
    expect((await strict.send(there, '{}', { 'x-proof': secret })).status).toBe(403)
    await strict.close()
  })
})

async function freePort(): Promise<number> {
  const { findFreePort } = await import('../../src/platform/embedded-postgres/free-port.ts')
  return findFreePort()
}
