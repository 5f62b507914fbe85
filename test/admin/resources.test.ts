import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringifyExact } from '../../src/payload/exact-json.ts'
import { startTestGateway, type TestGateway } from '../world/gateway.ts'

let world: TestGateway
let shop: { id: string }

beforeAll(async () => {
  world = await startTestGateway()
  shop = await world.api.application('shop')
})
afterAll(() => world.close())

const call = (method: string, path: string, body?: unknown) => world.api.call(method, path, body)
const passing = { nodes: [{ id: 'map', kind: 'transform' }] }

describe('applications', () => {
  test('are created, read, listed, changed, switched off and deleted', async () => {
    const made = await call('POST', '/applications', { slug: 'books', name: 'Books' })
    expect(made).toMatchObject({
      status: 201,
      body: { slug: 'books', webhooksEnabled: true, allowedList: [] },
    })
    const { id } = made.body
    expect((await call('GET', `/applications/${id}`)).body).toEqual(made.body)
    expect((await call('GET', '/applications')).body.items).toContainEqual(made.body)

    const change = { webhooksEnabled: false, allowedList: ['shopify.com', '2001:db8::/32'] }
    expect(await call('PATCH', `/applications/${id}`, change)).toEqual({
      status: 200,
      body: { ...made.body, ...change },
    })
    expect((await call('GET', `/applications/${id}`)).body).toMatchObject(change)
    expect(await call('DELETE', `/applications/${id}`)).toEqual({ status: 204, body: undefined })
    expect((await call('GET', `/applications/${id}`)).status).toBe(404)
    expect((await call('DELETE', `/applications/${id}`)).status).toBe(404)
  })

  test('switched off, an application refuses webhooks at once', async () => {
    const { id: applicationId } = await world.api.application('closing')
    const { id } = await world.api.integration(applicationId, passing)
    expect((await world.send(id, '{}')).status).toBe(200)
    await call('PATCH', `/applications/${applicationId}`, { webhooksEnabled: false })
    expect((await world.send(id, '{}')).status).toBe(403)
    expect((await call('DELETE', `/applications/${applicationId}`)).status).toBe(409)
  })
})

describe('integrations', () => {
  test('are created with their addresses, read, listed, changed, disabled and deleted', async () => {
    const made = await world.api.integration(shop.id, passing)
    expect(made.id).toMatch(/^[0-9a-f]{24}$/)
    expect(made).toMatchObject({ enabled: true, version: 1, applicationId: shop.id })
    expect(made.webhookUrl).toBe(`${world.url}/integration/${made.id}`)
    expect(made.webhookXmlUrl).toBe(`${made.webhookUrl}/xml`)
    expect((await call('GET', `/integrations/${made.id}`)).body).toEqual(made)
    const ofShop = (await call('GET', `/integrations?applicationId=${shop.id}`)).body.items
    expect(ofShop).toContainEqual(made)
    const other = await world.api.application('without')
    expect((await call('GET', `/integrations?applicationId=${other.id}`)).body.items).toEqual([])

    const changed = await call('PATCH', `/integrations/${made.id}`, { name: 'renamed', enabled: false })
    expect(changed).toMatchObject({ status: 200, body: { name: 'renamed', enabled: false, version: 2 } })
    expect(changed.body.definition).toEqual(made.definition)
    expect((await world.send(made.id, '{}')).status).toBe(403)
    expect((await call('DELETE', `/integrations/${made.id}`)).status).toBe(204)
    expect((await call('GET', `/integrations/${made.id}`)).status).toBe(404)
  })

  test('changed several times at once, each change is answered with a version of its own', async () => {
    const { id } = await world.api.integration(shop.id, passing)
    const names = Array.from({ length: 8 }, (_, at) => `change ${at}`)
    const changes = await Promise.all(names.map((name) => call('PATCH', `/integrations/${id}`, { name })))
    expect(changes.map(({ status }) => status)).toEqual(names.map(() => 200))
    expect(changes.map(({ body }) => body.name)).toEqual(names)
    expect(changes.map(({ body }) => body.version).toSorted()).toEqual(names.map((_, at) => at + 2))
    const last = changes.find(({ body }) => body.version === names.length + 1)
    expect((await call('GET', `/integrations/${id}`)).body).toEqual(last?.body)
  })

  test('an address of the application stands under BASE_DOMAIN', async () => {
    const domain = await startTestGateway({ env: { BASE_DOMAIN: 'hooks.example' } })
    const { id } = await domain.api.application('shop')
    const { webhookUrl } = await domain.api.integration(id, passing)
    await domain.close()
    expect(webhookUrl).toMatch(/^https:\/\/webhook-shop\.hooks\.example\/integration\/[0-9a-f]{24}$/)
  })

  test('a short id may be chosen where the sender is proven, and nowhere else', async () => {
    const proof = { scheme: 'header', header: 'x-key', secrets: [{ secret: 'one' }] }
    const made = await world.api.integration(shop.id, { ...passing, proof }, { id: 'ABC123' })
    expect(made.id).toBe('ABC123')
    const again = { id: 'ABC123', applicationId: shop.id, name: 'two', definition: { ...passing, proof } }
    expect((await call('POST', '/integrations', again)).status).toBe(409)
    const unproven = await call('PATCH', '/integrations/ABC123', { definition: { ...passing, proof: null } })
    expect(unproven).toMatchObject({ status: 400, body: { errors: [{ path: 'id' }] } })
    const clientCertificate = { subjects: ['erp.example'] }
    const certified = await call('PATCH', '/integrations/ABC123', {
      definition: { ...passing, clientCertificate },
    })
    expect(certified).toMatchObject({ status: 200, body: { definition: { proof: null } } })
  })

  test('whose it is and its id are fixed', async () => {
    const other = await world.api.application('other')
    const made = await world.api.integration(shop.id, passing)
    for (const change of [{ applicationId: other.id }, { id: 'ffffffffffffffffffffffff' }]) {
      const answer = await call('PATCH', `/integrations/${made.id}`, change)
      expect(answer).toMatchObject({ status: 409, body: { errors: [{ path: Object.keys(change)[0] }] } })
    }
    expect((await call('PATCH', `/integrations/${made.id}`, { id: made.id })).status).toBe(200)
  })
})

describe('destinations', () => {
  test('are created, read, listed, changed, disabled and deleted, unless something pushes to them', async () => {
    const made = await world.api.destination(shop.id, 'https://crm.example/orders')
    expect(made.config).toMatchObject({ method: 'POST', format: 'json', retry: { triesMax: 12 } })
    expect((await call('GET', `/destinations/${made.id}`)).body).toEqual(made)
    expect((await call('GET', `/destinations?applicationId=${shop.id}`)).body.items).toContainEqual(made)
    const changed = await call('PATCH', `/destinations/${made.id}`, { enabled: false })
    expect(changed.body).toEqual({ ...made, enabled: false })

    const pushing = { nodes: [{ id: 'push', kind: 'push', destination: made.id }] }
    const integration = await world.api.integration(shop.id, pushing)
    const refused = await call('DELETE', `/destinations/${made.id}`)
    expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining(integration.id) } })
    await call('DELETE', `/integrations/${integration.id}`)
    expect((await call('DELETE', `/destinations/${made.id}`)).status).toBe(204)
    const other = await world.api.application('another')
    const move = await call(
      'PATCH',
      `/destinations/${(await world.api.destination(shop.id, 'https://a.example')).id}`,
      {
        applicationId: other.id,
      },
    )
    expect(move.status).toBe(409)
  })
})

describe('rewrite functions', () => {
  const source = 'return { jobStatus: 1, data: job.data.data }'

  test('are created, read, listed, changed, disabled and deleted, unless something uses them', async () => {
    const made = await world.api.rewriteFunction(shop.id, 'orders', source)
    expect(made).toMatchObject({ source, enabled: true, version: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect((await call('GET', `/functions/${made.id}`)).body).toEqual(made)
    const listed = (await call('GET', `/functions?applicationId=${shop.id}`)).body.items
    expect(listed).toContainEqual(made)
    const changed = await call('PATCH', `/functions/${made.id}`, { source: `${source} // again` })
    expect(changed.body.version).not.toBe(made.version)
    expect((await call('PATCH', `/functions/${made.id}`, { enabled: false })).body).toMatchObject({
      enabled: false,
      source: `${source} // again`,
    })

    const using = { nodes: [{ id: 'map', kind: 'transform', function: 'orders' }] }
    const integration = await world.api.integration(shop.id, using)
    expect((await call('DELETE', `/functions/${made.id}`)).status).toBe(409)
    expect((await call('PATCH', `/functions/${made.id}`, { name: 'renamed' })).status).toBe(409)
    await call('DELETE', `/integrations/${integration.id}`)
    expect((await call('PATCH', `/functions/${made.id}`, { name: 'renamed' })).body.name).toBe('renamed')
    expect((await call('DELETE', `/functions/${made.id}`)).status).toBe(204)
    expect((await call('GET', `/functions/${made.id}`)).status).toBe(404)
  })

  test('a name is taken once in an application', async () => {
    await world.api.rewriteFunction(shop.id, 'first', source)
    const second = await world.api.rewriteFunction(shop.id, 'second', source)
    const again = { applicationId: shop.id, name: 'first', source }
    expect((await call('POST', '/functions', again)).status).toBe(409)
    expect((await call('PATCH', `/functions/${second.id}`, { name: 'first' })).status).toBe(409)
  })

  test('those from files are listed for everybody and changed by nobody', async () => {
    const { items } = (await call('GET', `/functions?applicationId=${shop.id}`)).body
    const shared = items.find(({ name }: { name: string }) => name === 'shopify-order')
    expect(shared).toMatchObject({ applicationId: null, source: expect.stringContaining('return') })
    for (const answer of [
      await call('PATCH', `/functions/${shared.id}`, { enabled: false }),
      await call('DELETE', `/functions/${shared.id}`),
    ]) {
      expect(answer).toMatchObject({
        status: 409,
        body: { detail: expect.stringContaining('comes from a file') },
      })
    }
  })
})

describe('what is written comes back', () => {
  test('integers of thirty digits exactly', async () => {
    const mapping = { big: { value: 123456789012345678901234567890n }, list: { value: [9007199254740993n] } }
    const { id } = await world.api.integration(shop.id, {
      nodes: [{ id: 'map', kind: 'transform', mapping }],
    })
    expect((await call('GET', `/integrations/${id}`)).body.definition.nodes[0].mapping).toEqual(mapping)
    const condition = { path: 'id', op: 'equals', value: 820982911946154508999n }
    const nodes = [{ id: 'if', kind: 'decision', branches: [{ when: condition }] }]
    const changed = await call('PATCH', `/integrations/${id}`, { definition: { nodes } })
    expect(changed.body.definition.nodes[0].branches[0].when).toEqual(condition)
  })

  test('secrets masked, and kept when they are given back so', async () => {
    const auth = { kind: 'bearer', token: 'token-of-the-crm' }
    const destination = await world.api.destination(shop.id, 'https://crm.example', { auth })
    const proof = { scheme: 'hmac', header: 'x-signature', secrets: [{ secret: 'secret-of-the-shop' }] }
    const integration = await world.api.integration(shop.id, { ...passing, proof })
    expect(destination.config.auth.token).toBe('***')
    const [{ id }] = integration.definition.proof.secrets
    expect(integration.definition.proof.secrets).toEqual([
      { id: expect.stringMatching(/^[0-9a-f]{8}$/), secret: '***' },
    ])
    expect(integration.secrets).toEqual([
      { id, activeFrom: null, retiresAt: null, standing: 'active', lastUsedAt: null },
    ])
    for (const path of ['/destinations', `/destinations/${destination.id}`, '/integrations']) {
      expect(stringifyExact((await call('GET', path)).body)).not.toMatch(
        /token-of-the-crm|secret-of-the-shop/,
      )
    }

    await call('PATCH', `/destinations/${destination.id}`, {
      config: { ...destination.config, url: 'https://crm.example/v2' },
    })
    const renamed = await call('PATCH', `/integrations/${integration.id}`, { name: 'renamed' })
    expect(JSON.stringify(renamed.body)).not.toContain('secret-of-the-shop')
    const { integrations } = world.gateway
    expect(integrations.destination(destination.id)?.config).toMatchObject({
      auth,
      url: 'https://crm.example/v2',
    })
    expect(integrations.integration(integration.id)?.definition.proof).toMatchObject(proof)
    expect(renamed.body.secrets).toEqual(integration.secrets)
    const replaced = { ...integration.definition, proof: { ...proof, secrets: [{ secret: 'another' }] } }
    const changed = await call('PATCH', `/integrations/${integration.id}`, { definition: replaced })
    expect(integrations.integration(integration.id)?.definition.proof).toMatchObject({
      secrets: [{ secret: 'another' }],
    })
    expect(changed.body.secrets[0].id).not.toBe(id)
  })

  test('a secret is renewed by putting the next one beside it, and the old one is seen to retire', async () => {
    const proof = { secrets: [{ secret: 'old' }] }
    const made = await world.api.integration(shop.id, { ...passing, source: 'shopify', proof })
    const [old] = made.definition.proof.secrets
    const next = { secret: 'next', activeFrom: '2020-01-01T00:00:00Z' }
    const early = { id: 'winter', secret: 'early', activeFrom: '2099-01-01T00:00:00+01:00' }
    const both = [next, early, { ...old, retiresAt: '2021-01-01T00:00:00Z' }]
    const { body } = await call('PATCH', `/integrations/${made.id}`, {
      definition: { ...made.definition, proof: { secrets: both } },
    })
    expect(body.secrets).toMatchObject([
      { standing: 'active', retiresAt: null },
      { id: 'winter', standing: 'not_active', activeFrom: '2099-01-01T00:00:00+01:00' },
      { id: old.id, standing: 'retired', retiresAt: '2021-01-01T00:00:00Z' },
    ])
    const held = world.gateway.integrations.integration(made.id)?.definition.proof
    expect(held).toMatchObject({ secrets: [{ secret: 'next' }, { secret: 'early' }, { secret: 'old' }] })
    const at = new Date('2026-01-01T00:00:00Z')
    await world.gateway.integrations.noteSecretUses([{ integrationId: made.id, secretId: old.id, at }])
    const listed = (await call('GET', `/integrations?applicationId=${shop.id}`)).body.items
    const shown = listed.find(({ id }: { id: string }) => id === made.id)
    expect(shown.secrets.map(({ lastUsedAt }: { lastUsedAt: string | null }) => lastUsedAt)).toEqual([
      null,
      null,
      at.toISOString(),
    ])
    expect((await call('GET', `/integrations/${made.id}`)).body).toEqual(shown)
  })

  test('defaults are not laid over what a change does not name', async () => {
    const made = await world.api.application('kept', { webhooksEnabled: false, allowedList: ['10.0.0.0/8'] })
    const changed = await call('PATCH', `/applications/${made.id}`, { name: 'Kept' })
    expect(changed.body).toEqual({ ...made, name: 'Kept' })
  })
})
