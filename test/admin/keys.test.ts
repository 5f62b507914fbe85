import { createHash } from 'node:crypto'
import postgres from 'postgres'
import { afterEach, expect, test } from 'vitest'
import { endAll, runSluice } from '../cli/sluice.ts'
import { freshDatabase } from '../world/database.ts'
import { apiAt, startTestGateway } from '../world/gateway.ts'

afterEach(endAll)

test('a key made by create-key opens the API, and only its hash is stored', async () => {
  const database = await freshDatabase()
  const { code, stdout } = await runSluice(['create-key', 'the shop'], {
    env: { DATABASE_URL: database.url },
  })
  expect(code).toBe(0)
  const key = stdout.trim()
  expect(key).toMatch(/^sk_[\w-]{43}$/)

  const world = await startTestGateway({ databaseUrl: database.url })
  const sql = postgres(database.url, { max: 1 })
  try {
    const api = apiAt(world.url, key)
    expect((await api.call('GET', '/applications')).status).toBe(200)
    expect((await apiAt(world.url, `${key}x`).call('GET', '/applications')).status).toBe(401)
    expect((await api.call('GET', '/applications')).status).toBe(200)
    const rows = await sql`SELECT * FROM api_keys`
    expect(rows).toMatchObject([{ name: 'the shop', hash: createHash('sha256').update(key).digest('hex') }])
    expect(JSON.stringify(rows)).not.toContain(key)
  } finally {
    await sql.end()
    await world.close()
    await database.drop()
  }
})

test("create-key and migrate work on a database of one's own only", async () => {
  for (const args of [['create-key', 'x'], ['migrate']]) {
    const { code, stderr } = await runSluice(args)
    expect([code, stderr]).toEqual([1, expect.stringContaining('DATABASE_URL is not set')])
  }
})
