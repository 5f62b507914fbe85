import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PRESETS } from '../../src/sources/sources.ts'
import { startTestGateway, type TestGateway } from '../world/gateway.ts'

interface Operation {
  security?: unknown
  responses: Record<string, { description?: string; content?: unknown }>
  parameters?: { name: string; in: string }[]
  requestBody?: unknown
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Record<string, unknown>>; securitySchemes: Record<string, unknown> }
}

let world: TestGateway
let document: Document

beforeAll(async () => {
  world = await startTestGateway()
  const response = await fetch(`${world.url}/api/v1/openapi.json`)
  expect(response.headers.get('content-type')).toBe('application/json')
  document = (await response.json()) as Document
})
afterAll(() => world.close())

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

describe('the OpenAPI document', () => {
  test('every reference in it leads somewhere', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, target]) => target ?? '',
    )
    expect(references.length).toBeGreaterThan(20)
    for (const reference of references) {
      expect(reference).toMatch(/^#\/components\/schemas\/\w+$/)
      expect(document.components.schemas).toHaveProperty(reference.split('/').at(-1) ?? '')
    }
  })

  test('every operation has answers, a problem among them, and asks for the key', () => {
    expect(document.openapi).toMatch(/^3\.1\./)
    expect(document.components.securitySchemes).toHaveProperty('apiKey')
    for (const { operation } of operations()) {
      expect(operation.security).toEqual([{ apiKey: [] }])
      const statuses = Object.keys(operation.responses)
      expect(statuses.some((status) => status.startsWith('2'))).toBe(true)
      expect(operation.responses.default?.content).toHaveProperty('application/problem+json')
      for (const response of Object.values(operation.responses)) expect(response.description).toBeTruthy()
    }
  })

  test('every variable of a path is described', () => {
    for (const { path, operation } of operations()) {
      const variables = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const described = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
      expect(described.map(({ name }) => name)).toEqual(variables)
    }
  })

  test('shows a definition with its nodes, conditions by reference, and a destination with its settings', () => {
    const { Definition, Condition, DestinationConfig } = document.components.schemas
    expect(Object.keys(Definition?.properties as object)).toEqual(
      expect.arrayContaining(['source', 'allowedList', 'proof', 'split', 'dedupe', 'nodes']),
    )
    expect(JSON.stringify(Definition)).toContain('"when":{"$ref":"#/components/schemas/Condition"}')
    expect(JSON.stringify(Definition)).toMatch(/"mapping":\{"type":"object","description":"a field mapping/)
    expect(JSON.stringify(Condition)).toContain('"$ref":"#/components/schemas/Condition"')
    const kinds = DestinationConfig?.oneOf as { properties: Record<string, { const?: string }> }[]
    expect(kinds.map(({ properties }) => properties.kind?.const)).toEqual(
      expect.arrayContaining(['http', 'postgres', 'file']),
    )
    expect(Object.keys(kinds[0]?.properties ?? {})).toEqual(
      expect.arrayContaining(['url', 'headers', 'auth', 'retry']),
    )
    const post = document.paths['/integrations']?.post
    expect(JSON.stringify(post?.requestBody)).toContain('"$ref":"#/components/schemas/Definition"')
  })

  test('tells how the proof of each source looks', () => {
    const { Definition, Proof } = document.components.schemas
    expect(Definition).toMatchObject({ properties: { proof: { $ref: '#/components/schemas/Proof' } } })
    const forms = Proof?.anyOf as Record<string, unknown>[]
    const proven = [...PRESETS.values()].filter(({ proof }) => proof).map(({ name }) => name)
    expect(forms.map(({ title }) => title)).toEqual([undefined, ...proven])
    const shopify = forms.find(({ title }) => title === 'shopify')
    expect(shopify).toMatchObject({ type: 'object', required: ['secrets'] })
    expect(JSON.stringify(shopify)).toContain('"retiresAt"')
    expect(forms.filter((form) => '$schema' in form)).toEqual([])
  })

  test('holds every verb of every resource', () => {
    const served = operations().map(({ method, path }) => `${method} ${path}`)
    const resources = [
      'applications',
      'integrations',
      'destinations',
      'functions',
      'alert-channels',
      'alert-rules',
    ]
    const crud = resources.flatMap((name) => [
      `get /${name}`,
      `post /${name}`,
      `get /${name}/{id}`,
      `patch /${name}/{id}`,
      `delete /${name}/{id}`,
    ])
    const events = ['replay', 'release', 'discard'].map((verb) => `post /events/{id}/${verb}`)
    const handshakes = [
      'delete /integrations/{id}/handshake',
      'post /integrations/{id}/handshake/await',
      'post /integrations/{id}/handshake/confirm',
    ]
    const sources = ['get /sources', 'post /sources/{name}/addresses/refresh']
    const lists = ['get /events', 'get /events/{id}', 'get /requests']
    const incidents = ['get /incidents', 'get /incidents/{id}']
    const tests = ['alert-channels', 'destinations', 'integrations'].map((name) => `post /${name}/{id}/test`)
    const deliveries = [
      'get /deliveries',
      'get /deliveries/{id}',
      'patch /deliveries/{id}',
      ...['cancel', 'try-now', 'replay'].map((verb) => `post /deliveries/{id}/${verb}`),
      'get /dead-letters',
      'get /dead-letters/{id}',
      'post /dead-letters/{id}/discard',
      'post /destinations/{id}/pause',
      'post /destinations/{id}/resume',
    ]
    const replays = ['get /replays', 'post /replays', 'get /replays/{id}', 'post /replays/{id}/cancel']
    const fields = ['get /integrations/{id}/merge-fields', 'get /events/{id}/merge-fields']
    const others = [
      ...[...lists, ...events, ...handshakes, ...sources, ...incidents, ...tests],
      ...[...deliveries, ...replays, ...fields],
    ]
    expect(served.toSorted()).toEqual([...crud, ...others].toSorted())
  })
})

describe('a key', () => {
  async function statusOf(method: string, path: string, authorization?: string) {
    const address = path.replace(/\{\w+\}/g, '00000000-0000-7000-8000-000000000000')
    const response = await fetch(`${world.url}/api/v1${address}`, {
      method: method.toUpperCase(),
      ...(authorization === undefined ? {} : { headers: { authorization } }),
      // The key comes first: with it this body would be a 400.
      ...(['post', 'patch'].includes(method) ? { body: 'not JSON' } : {}),
    })
    return [method, path, response.status, response.headers.get('www-authenticate')]
  }

  test('is asked for on every address of the document, and on those that do not exist', async () => {
    const addresses = [
      ...operations(),
      { method: 'get', path: '/nothing' },
      { method: 'put', path: '/applications' },
    ]
    expect(addresses.length).toBeGreaterThan(20)
    for (const { method, path } of addresses) {
      for (const authorization of [undefined, 'Bearer wrong', 'Bearer ', 'Basic dXNlcjpwYXNz']) {
        expect(await statusOf(method, path, authorization)).toEqual([method, path, 401, 'Bearer'])
      }
    }
  })
})
