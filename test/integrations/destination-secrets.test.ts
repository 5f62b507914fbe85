import { createHmac } from 'node:crypto'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encrypted, makeClient } from '../outbound/tls-receiver.ts'
import { openRoad, type Road } from '../road/world.ts'

let road: Road
let sql: postgres.Sql

beforeAll(async () => {
  road = await openRoad()
  sql = postgres(road.world.env.DATABASE_URL ?? '', { max: 1 })
})

afterAll(async () => {
  await sql.end()
  await road.close()
})

async function sendThrough(destination: string): Promise<Record<string, unknown>> {
  const id = await road.integration([{ id: 'push', kind: 'push', destination }])
  const before = road.receiver.requests.length
  expect((await road.world.send(id, '{"n":1}')).status).toBe(200)
  await road.receiver.received(before + 1)
  return road.receiver.requests.at(-1)?.headers ?? {}
}

test('of several secrets given back masked, one can be taken out and the other stays what it is', async () => {
  const { api } = road
  const secrets = [{ secret: 'old-secret' }, { secret: 'new-secret', activeFrom: '2020-01-01T00:00:00Z' }]
  const auth = { kind: 'header', header: 'x-shop-key', secrets }
  const destination = await road.destination('/in', { auth })
  expect((await sendThrough(destination))['x-shop-key']).toBe('new-secret')

  const shown = (await api.call('GET', `/destinations/${destination}`)).body
  expect(JSON.stringify(shown)).not.toMatch(/old-secret|new-secret/)
  const [, second] = shown.config.auth.secrets
  expect(second).toEqual({ id: 's2', secret: '***', activeFrom: '2020-01-01T00:00:00Z' })
  const config = { ...shown.config, auth: { ...shown.config.auth, secrets: [second] } }
  expect((await api.call('PATCH', `/destinations/${destination}`, { config })).status).toBe(200)
  expect((await sendThrough(destination))['x-shop-key']).toBe('new-secret')
})

test('nobody has a secret sent to a server of his own: who changes the server gives the secrets again', async () => {
  const { api } = road
  const auth = { kind: 'bearer', token: 'hush-hush' }
  const headers = { 'X-Api-Key': 'typed' }
  const url = 'https://erp.example/in?page=1'
  const { id } = await api.destination(road.shop, url, { auth, headers })
  const { config } = (await api.call('GET', `/destinations/${id}`)).body
  const move = (to: string) => api.call('PATCH', `/destinations/${id}`, { config: { ...config, url: to } })
  const stolen = await move('https://evil.example/in?page=1')
  expect(stolen.status).toBe(400)
  expect(stolen.body.errors).toEqual(
    ['config.headers.X-Api-Key', 'config.auth.token'].map((path) => ({
      path,
      message: expect.stringContaining('its server was changed'),
    })),
  )
  expect((await move('https://ERP.example:443/{{ n }}?page=2')).status).toBe(200)
  expect(road.world.gateway.integrations.destination(id)?.config).toMatchObject({ auth, headers })
})

test('an HMAC that was configured over the API is what arrives', async () => {
  const auth = { kind: 'hmac', header: 'x-sign', prefix: 'sha256=', secrets: [{ secret: 'hush' }] }
  const headers = await sendThrough(await road.destination('/in', { auth }))
  expect(headers['x-sign']).toBe(`sha256=${createHmac('sha256', 'hush').update('{"n":1}').digest('hex')}`)
})

test('an OAuth2 client that was configured over the API brings its token, once for two events', async () => {
  const tokenUrl = `${road.receiver.url}/token`
  const token = { status: 200, body: '{"access_token":"token-1","token_type":"Bearer","expires_in":3600}' }
  road.receiver.answerWith(({ url }) => (url === '/token' ? token : 200))
  const auth = { kind: 'oauth2', tokenUrl, clientId: 'sluice', secret: 'client-secret' }
  const destination = await road.destination('/oauth', { auth })
  const id = await road.integration([{ id: 'push', kind: 'push', destination }])
  const before = road.receiver.requests.length
  await road.world.send(id, '{"n":1}')
  await road.receiver.received(before + 2)
  await road.world.send(id, '{"n":2}')
  const came = (await road.receiver.received(before + 3)).slice(before)
  expect(came.map(({ url, headers }) => [url, headers.authorization])).toEqual([
    ['/token', `Basic ${Buffer.from('sluice:client-secret').toString('base64')}`],
    ['/oauth', 'Bearer token-1'],
    ['/oauth', 'Bearer token-1'],
  ])
  const shown = (await road.api.call('GET', `/destinations/${destination}`)).body
  expect(shown.config.auth).toMatchObject({ clientId: 'sluice', secret: '***' })
})

test('key and passphrase of a client certificate are shown to nobody, and given back masked they stay', async () => {
  const { api } = road
  const ours = makeClient('ours')
  const clientCertificate = { ...ours, key: encrypted(ours.key, 'open sesame'), passphrase: 'open sesame' }
  const { id } = await api.destination(road.shop, 'https://erp.example/', { clientCertificate })
  const shown = (await api.call('GET', `/destinations/${id}`)).body
  expect(shown.config.clientCertificate).toEqual({ ...clientCertificate, key: '***', passphrase: '***' })
  const changed = await api.call('PATCH', `/destinations/${id}`, { config: shown.config })
  expect(changed.status).toBe(200)
  expect(road.world.gateway.integrations.destination(id)?.config).toMatchObject({ clientCertificate })
})

test('what was typed into headers and query under the name of a secret is sealed, sent, and shown to nobody', async () => {
  const { api } = road
  const url = `${road.receiver.url}/by-hand?page=1&%74oken=in-query&token=second&key={{ n }}`
  const headers = {
    'X-Api-Key': 'in-header',
    Authorization: 'Bearer typed',
    'X-Page': '1',
    'X-Token': '{{ n }}',
  }
  const { id } = await api.destination(road.shop, url, { headers })
  const shown = (await api.call('GET', `/destinations/${id}`)).body
  expect(shown.config).toMatchObject({
    url: `${road.receiver.url}/by-hand?page=1&%74oken=***&token=***&key={{ n }}`,
    headers: { 'X-Api-Key': '***', Authorization: '***', 'X-Page': '1', 'X-Token': '{{ n }}' },
  })
  const [row] = await sql`SELECT config FROM destinations WHERE id = ${id}`
  expect(row?.config).not.toMatch(/in-query|second|in-header|typed/)
  const changed = { ...shown.config, headers: { ...shown.config.headers, 'X-Page': '2' } }
  expect((await api.call('PATCH', `/destinations/${id}`, { config: changed })).status).toBe(200)
  road.receiver.answerWith(({ url: asked, headers: got }) => ({
    status: 200,
    body: `${asked} ${got['x-api-key']}`,
  }))
  expect(await sendThrough(id)).toMatchObject({
    'x-api-key': 'in-header',
    authorization: 'Bearer typed',
    'x-page': '2',
    'x-token': '1',
  })
  expect(road.receiver.requests.at(-1)?.url).toBe('/by-hand?page=1&%74oken=in-query&token=second&key=1')
  const { items } = (await api.call('GET', `/deliveries?destinationId=${id}`)).body
  const kept = JSON.stringify((await api.call('GET', `/deliveries/${items[0].id}`)).body)
  expect(kept).not.toMatch(/in-query|second|in-header|typed/)
  const nothing = await api.call('POST', '/destinations', {
    applicationId: road.shop,
    name: 'x',
    config: { kind: 'http', url: 'https://erp.example/?token=***', headers: { 'x-secret': '***' } },
  })
  expect(nothing.body.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual([
    'config.headers.x-secret',
    'config.url',
  ])
})
