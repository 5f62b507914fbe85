import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ACCESS } from '../../src/admin/access.ts'
import { PRESETS } from '../../src/sources/sources.ts'
import { startTestGateway, type TestGateway } from '../world/gateway.ts'

interface Operation {
  security?: unknown
  description?: string
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
  world = await startTestGateway({ env: { FAILED_KEYS_PER_MINUTE: '100000' } })
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

  test('every operation has answers, a problem among them', () => {
    expect(document.openapi).toMatch(/^3\.1\./)
    expect(document.components.securitySchemes).toHaveProperty('apiKey')
    for (const { operation } of operations()) {
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

  test('tells what a source is shown with, and how long a function may be', () => {
    const { Source } = document.components.schemas
    const { required, properties } = Source as { required: string[]; properties: Record<string, unknown> }
    expect(required.toSorted()).toEqual(Object.keys(properties).toSorted())
    expect(properties.proof).toMatchObject({ type: ['object', 'null'] })
    expect(JSON.stringify(document.paths['/functions']?.post?.requestBody)).toContain('"maxLength":262144')
  })

  test('holds what the table of access holds, and tells the role that each needs', () => {
    const served = operations().map(({ method, path }) => `${method} ${path}`)
    expect(served.toSorted()).toEqual(Object.keys(ACCESS).toSorted())
    for (const { method, path, operation } of operations()) {
      const { role } = ACCESS[`${method} ${path}`] ?? {}
      expect(operation.security).toEqual([{ apiKey: [role] }])
      expect(operation.description).toMatch(
        new RegExp(`^Needs the role "${role}"\\. A key for one application gets .+\\.$`),
      )
    }
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
