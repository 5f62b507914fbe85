import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../world/gateway.ts'

let world: TestGateway
let sql: postgres.Sql
let shop: string

beforeAll(async () => {
  world = await startTestGateway()
  sql = postgres(world.env.DATABASE_URL ?? '', { max: 1, onnotice: () => {} })
  shop = (await world.api.application('shop')).id
})
afterAll(async () => {
  await sql?.end()
  await world?.close()
})

const call = (method: string, path: string, body?: object) => world.api.call(method, path, body)
const entries = async (query: string): Promise<any[]> => (await call('GET', `/audit-log${query}`)).body.items
const config = (more: object = {}) => ({ kind: 'http', url: 'https://erp.example/', ...more })
const bearer = (token: string) => ({ auth: { kind: 'bearer', token } })

async function destination(): Promise<string> {
  const body = { applicationId: shop, name: 'erp', config: config(bearer('first-token')) }
  return (await call('POST', '/destinations', body)).body.id
}

describe('an entry', () => {
  test('tells what a thing was made as, became and was, without its secrets', async () => {
    const id = await destination()
    await call('PATCH', `/destinations/${id}`, {
      name: 'new erp',
      config: config({ timeoutMs: 500, ...bearer('***') }),
    })
    await call('DELETE', `/destinations/${id}`)
    const [gone, changed, made] = await entries(`?resourceId=${id}`)
    expect(made).toMatchObject({
      action: 'create',
      resource: 'destinations',
      applicationId: shop,
      who: 'SLUICE_ADMIN_KEY',
      keyId: null,
      sourceIp: '127.0.0.1',
      differences: expect.arrayContaining([
        { path: 'name', after: 'erp' },
        { path: 'config', after: expect.objectContaining({ auth: { kind: 'bearer', token: '***' } }) },
      ]),
    })
    expect(changed.differences.toSorted((a: any, b: any) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: 'config.timeoutMs', before: 30_000, after: 500 },
      { path: 'name', before: 'erp', after: 'new erp' },
    ])
    expect(gone).toMatchObject({ action: 'delete' })
    expect(gone.differences).toContainEqual({ path: 'name', before: 'new erp' })
    const rows = await sql`SELECT * FROM audit_log WHERE resource_id = ${id}`
    expect(JSON.stringify(rows)).not.toContain('first-token')
  })

  test('shows that a secret was renewed', async () => {
    const id = await destination()
    await call('PATCH', `/destinations/${id}`, { config: config(bearer('second-token')) })
    const [changed] = await entries(`?resourceId=${id}&action=change`)
    expect(changed.differences).toEqual([{ path: 'config.auth.token', before: '***', after: '***' }])
  })

  test('keeps the digits of long numbers, and cuts what is long', async () => {
    const mapping = { id: { value: 820982911946154508999n }, text: { value: 'x'.repeat(10_000) } }
    const definition = { nodes: [{ id: 'map', kind: 'transform', mapping }] }
    const { id } = await world.api.integration(shop, { nodes: [{ id: 'map', kind: 'transform' }] })
    await call('PATCH', `/integrations/${id}`, { definition })
    const [{ differences }] = await entries(`?resourceId=${id}&action=change`)
    expect(differences).toContainEqual({ path: 'version', before: 1, after: 2 })
    const told = differences.find(({ path }: { path: string }) => path === 'definition.nodes.0.mapping').after
    expect(told).toContain('820982911946154508999')
    expect(told).toMatch(/… \(\d{5} characters\)$/)
  })

  test('of a function names the version, under which its source stays', async () => {
    const { id, version } = await world.api.rewriteFunction(shop, 'f', 'return 1')
    const { body } = await call('PATCH', `/functions/${id}`, { source: 'return 2' })
    const [changed] = await entries(`?resourceId=${id}&action=change`)
    expect(changed.differences).toEqual([{ path: 'version', before: version, after: body.version }])
  })

  test('is written with its change, or neither is', async () => {
    const id = await destination()
    await sql`ALTER TABLE audit_log ADD CONSTRAINT full_disk CHECK (action <> 'change') NOT VALID`
    expect((await call('PATCH', `/destinations/${id}`, { name: 'unseen' })).status).toBe(500)
    await sql`ALTER TABLE audit_log DROP CONSTRAINT full_disk`
    expect((await call('GET', `/destinations/${id}`)).body.name).toBe('erp')
    expect(await entries(`?resourceId=${id}&action=change`)).toEqual([])
  })

  test('is not written for what was refused', async () => {
    const id = await destination()
    const latest = (await entries('?limit=1'))[0].id
    expect((await call('PATCH', `/destinations/${id}`, { applicationId: id })).status).toBe(409)
    expect((await call('POST', `/destinations/${id}/resume`)).status).toBe(409)
    expect((await call('POST', '/destinations', { name: 'x' })).status).toBe(400)
    expect((await entries('?limit=1'))[0].id).toBe(latest)
  })
})

describe('the log', () => {
  test('is narrowed down, and read page by page', async () => {
    const id = await destination()
    for (const name of ['a', 'b', 'c']) await call('PATCH', `/destinations/${id}`, { name })
    const first = (await call('GET', `/audit-log?resourceId=${id}&limit=3`)).body
    expect(first.items.map((item: any) => item.differences[0].after)).toEqual(['c', 'b', 'a'])
    const second = (await call('GET', `/audit-log?resourceId=${id}&limit=3&cursor=${first.next}`)).body
    expect([second.items.map((item: any) => item.action), second.next]).toEqual([['create'], null])
    const { at } = first.items[2]
    expect(await entries(`?resourceId=${id}&from=${at}`)).toHaveLength(3)
    expect(await entries(`?resourceId=${id}&to=${at}`)).toHaveLength(1)
    for (const nothing of [
      'action=sing',
      'resource=songs',
      `keyId=${id}`,
      'sourceIp=203.0.113.9',
      `applicationId=${id}`,
    ])
      expect(await entries(`?${nothing}`)).toEqual([])
    expect((await call('GET', '/audit-log?resource=a%00b')).status).toBe(400)
  })

  test('cannot be changed through the API', async () => {
    const [{ id }] = await entries('?limit=1')
    for (const [method, path] of [
      ['DELETE', `/audit-log/${id}`],
      ['PATCH', `/audit-log/${id}`],
      ['DELETE', '/audit-log'],
    ] as const)
      expect((await call(method, path, method === 'PATCH' ? {} : undefined)).status).toBe(404)
  })
})
