import { createHash } from 'node:crypto'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { endAll, runSluice } from '../cli/sluice.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { ADMIN_KEY, apiAt, startTestGateway, type TestGateway } from '../world/gateway.ts'

const PER_MINUTE = 2

let database: Awaited<ReturnType<typeof freshDatabase>>
let world: TestGateway
let sql: postgres.Sql
let shop: string
let other: string

beforeAll(async () => {
  database = await freshDatabase()
  const env = { TRUSTED_PROXIES: '127.0.0.0/8', FAILED_KEYS_PER_MINUTE: String(PER_MINUTE) }
  world = await startTestGateway({ databaseUrl: database.url, env })
  sql = postgres(database.url, { max: 1 })
  shop = (await world.api.application('shop')).id
  other = (await world.api.application('other')).id
})
afterAll(async () => {
  await sql?.end()
  await world?.close()
  await database?.drop()
})
afterEach(endAll)

const call = (method: string, path: string, body?: object) => world.api.call(method, path, body)
const statusWith = async (key: string, path = '/applications') =>
  (await apiAt(world.url, key).call('GET', path)).status

async function made(body: object): Promise<{ id: string; key: string }> {
  const answer = await call('POST', '/api-keys', { name: 'somebody', role: 'viewer', ...body })
  expect(answer.status).toBe(201)
  return answer.body
}

describe('a key', () => {
  test('is shown once, and only its hash is kept', async () => {
    const { body } = await call('POST', '/api-keys', {
      name: 'the till',
      role: 'editor',
      applicationId: shop,
    })
    const { key, ...listed } = body
    expect(key).toMatch(/^sk_[\w-]{43}$/)
    expect(listed).toEqual({
      id: expect.any(String),
      name: 'the till',
      role: 'editor',
      applicationId: shop,
      createdAt: expect.any(String),
      expiresAt: null,
      lastUsedAt: null,
    })
    expect((await call('GET', `/api-keys/${body.id}`)).body).toEqual(listed)
    expect((await call('GET', '/api-keys')).body.items).toContainEqual(listed)
    const [row] = await sql`SELECT * FROM api_keys WHERE id = ${body.id}`
    expect(row?.hash).toBe(createHash('sha256').update(key).digest('hex'))
    expect(JSON.stringify(row)).not.toContain(key)
  })

  test('shows when it was last used', async () => {
    const { id, key } = await made({})
    expect(await statusWith(key)).toBe(200)
    await eventually(async () => {
      const { lastUsedAt } = (await call('GET', `/api-keys/${id}`)).body
      expect(Math.abs(Date.now() - Date.parse(lastUsedAt))).toBeLessThan(60_000)
    })
  })

  test('that is revoked opens nothing any more, here at once and elsewhere soon', async () => {
    const elsewhere = await startTestGateway({ databaseUrl: database.url })
    const { id, key } = await made({})
    expect([await statusWith(key), (await apiAt(elsewhere.url, key).call('GET', '/sources')).status]).toEqual(
      [200, 200],
    )
    expect((await call('DELETE', `/api-keys/${id}`)).status).toBe(204)
    expect(await statusWith(key)).toBe(401)
    await eventually(async () => {
      expect((await apiAt(elsewhere.url, key).call('GET', '/sources')).status).toBe(401)
    })
    expect((await call('DELETE', `/api-keys/${id}`)).status).toBe(404)
    await elsewhere.close()
  })

  test('that has expired opens nothing any more', async () => {
    const past = await call('POST', '/api-keys', {
      name: 'late',
      role: 'viewer',
      expiresAt: '2026-01-01T00:00:00Z',
    })
    expect(past).toMatchObject({ status: 400, body: { errors: [{ path: 'expiresAt' }] } })
    const { id, key } = await made({ expiresAt: '2999-01-01T00:00:00+01:00' })
    expect((await call('GET', `/api-keys/${id}`)).body.expiresAt).toBe('2998-12-31T23:00:00.000Z')
    await sql`UPDATE api_keys SET expires_at = now() WHERE id = ${id}`
    expect(await statusWith(key)).toBe(401)
    await sql`UPDATE api_keys SET expires_at = now() + interval '1 hour' WHERE id = ${id}`
    expect(await statusWith(key)).toBe(200)
  })

  test('for one application makes keys for it alone', async () => {
    const { key } = await made({ role: 'admin', applicationId: shop })
    const api = apiAt(world.url, key)
    const make = async (more: object) => {
      const { status, body } = await api.call('POST', '/api-keys', { name: 'x', role: 'admin', ...more })
      return [status, body.applicationId]
    }
    expect(await make({})).toEqual([201, shop])
    expect(await make({ applicationId: shop })).toEqual([201, shop])
    for (const applicationId of [other, null]) expect((await make({ applicationId }))[0]).toBe(403)
    const { items } = (await api.call('GET', '/api-keys')).body
    expect(new Set(items.map((item: { applicationId: string }) => item.applicationId))).toEqual(
      new Set([shop]),
    )
  })

  test('keeps its application from being deleted', async () => {
    const { id: empty } = await world.api.application('empty')
    const { id } = await made({ applicationId: empty })
    expect(await call('DELETE', `/applications/${empty}`)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('API keys') },
    })
    await call('DELETE', `/api-keys/${id}`)
    expect((await call('DELETE', `/applications/${empty}`)).status).toBe(204)
  })
})

describe('somebody who tries keys', () => {
  const ask = async (from: string, key: string) => {
    const headers = { authorization: `Bearer ${key}`, 'x-forwarded-for': from }
    const response = await fetch(`${world.url}/api/v1/applications`, { headers })
    return { status: response.status, retryAfter: response.headers.get('retry-after') }
  }
  const tries = async (from: string, count: number) => {
    const answers: number[] = []
    for (let number = 0; number < count; number++) answers.push((await ask(from, `wrong-${number}`)).status)
    return answers
  }
  const ALL = Array<number>(PER_MINUTE).fill(401)

  test('is told to come again later, whatever key comes next, and others are not', async () => {
    const colleague = await made({})
    expect((await ask('203.0.113.5', colleague.key)).status).toBe(200)
    expect(await tries('203.0.113.5', PER_MINUTE + 1)).toEqual([...ALL, 429])
    const { status, retryAfter } = await ask('203.0.113.5', ADMIN_KEY)
    expect([status, Number(retryAfter)]).toEqual([
      429,
      expect.toSatisfy((seconds) => seconds >= 1 && seconds <= 30),
    ])
    // Who has been here before shares the address, and is not locked out with him.
    expect((await ask('203.0.113.5', colleague.key)).status).toBe(200)
    expect((await ask('203.0.113.6', ADMIN_KEY)).status).toBe(200)
  })

  test('has one network of IPv6, not all the addresses in it', async () => {
    for (let number = 1; number <= PER_MINUTE; number++)
      expect((await ask(`2001:db8:7:1::${number}`, 'wrong')).status).toBe(401)
    expect((await ask('2001:db8:7:1:ffff::1', 'wrong')).status).toBe(429)
    expect((await ask('2001:db8:7:2::1', 'wrong')).status).toBe(401)
  })

  test('is counted', async () => {
    const metrics = await (await fetch(`${world.url}/metrics`)).text()
    expect(metrics).toMatch(/sluice_api_refusals_total\{reason="wrong_key"\} [1-9]/)
    expect(metrics).toMatch(/sluice_api_refusals_total\{reason="too_many"\} [1-9]/)
  })
})

describe('the command line', () => {
  const env = () => ({ DATABASE_URL: database.url })

  test('makes keys with every right, as before, or with fewer; lists them, and revokes them', async () => {
    const { code, stdout } = await runSluice(['create-key', 'the shop'], { env: env() })
    expect(code).toBe(0)
    expect(stdout.trim()).toMatch(/^sk_[\w-]{43}$/)
    expect(await statusWith(stdout.trim(), '/audit-log')).toBe(200)
    const few = ['create-key', 'the till', '--role', 'viewer', '--application', 'shop', '--valid-days', '30']
    const viewer = (await runSluice(few, { env: env() })).stdout.trim()
    expect([await statusWith(viewer), await statusWith(viewer, '/audit-log')]).toEqual([200, 403])
    const listed = await runSluice(['list-keys'], { env: env() })
    expect(listed.stdout).toMatch(/^id +name +role +application +created +expires +last used$/m)
    const line = /^(\S+) +the till +viewer +shop +\S+Z +\S+Z +\S+$/m.exec(listed.stdout)
    expect(line).not.toBeNull()
    expect(listed.stdout).not.toContain(viewer)
    expect((await runSluice(['revoke-key', line?.[1] ?? ''], { env: env() })).code).toBe(0)
    await eventually(async () => expect(await statusWith(viewer)).toBe(401))
    const entries = (await call('GET', '/audit-log?resource=api-keys&limit=3')).body.items
    expect(entries).toMatchObject([
      { action: 'revoke', who: expect.stringMatching(/^sluice revoke-key \(.+\)$/), resourceId: line?.[1] },
      { action: 'create', who: expect.stringMatching(/^sluice create-key \(.+\)$/), applicationId: shop },
      { action: 'create', keyId: null, sourceIp: null, applicationId: null },
    ])
    expect(JSON.stringify(entries)).not.toContain(viewer)
  })

  test('lists a key on one line, whatever it is called', async () => {
    const name = 'plain\n00000000  forged\u001b[1A\u001b[2K\u202e'
    await call('POST', '/api-keys', { name, role: 'viewer' })
    const { stdout } = await runSluice(['list-keys'], { env: env() })
    expect(stdout).toContain('  plain 00000000 forged\uFFFD[1A\uFFFD[2K\uFFFD  ')
  })

  test('says what is wrong with a command', async () => {
    const wrong: [string[], RegExp][] = [
      [['create-key', 'x', '--role', 'god'], /Allowed choices are viewer, editor, admin/],
      [['create-key', 'x', '--application', 'nothing'], /there is no application "nothing"/],
      [['create-key', ''], /the name of a key: Too small/],
      [['create-key', 'x'.repeat(201)], /the name of a key: Too big/],
      [['create-key', 'x', '--valid-days', '0'], /A whole number from 1/],
      [['revoke-key', 'nothing'], /there is no API key "nothing"/],
    ]
    for (const [args, message] of wrong) {
      const { code, stderr } = await runSluice(args, { env: env() })
      expect([args, code, stderr]).toEqual([args, 1, expect.stringMatching(message)])
    }
    for (const args of [['create-key', 'x'], ['migrate']]) {
      const { code, stderr } = await runSluice(args)
      expect([code, stderr]).toEqual([1, expect.stringContaining('DATABASE_URL is not set')])
    }
  })
})
