import { Redis } from 'ioredis'
import postgres from 'postgres'
import { expect, inject, test } from 'vitest'
import { freshDatabase } from './database.ts'
import { eventually } from './eventually.ts'
import { startPostgres } from './postgres.ts'
import { sharedRedis, startRedis } from './redis.ts'

test('copies of the template, taken at once, are migrated databases that do not meet', async () => {
  const all = await Promise.all(Array.from({ length: 4 }, freshDatabase))
  for (const { url, drop } of all) {
    const sql = postgres(url, { max: 1 })
    // Fails where another copy has made it already.
    await sql`CREATE TABLE mine ()`
    expect(await sql`SELECT 1 FROM information_schema.tables WHERE table_schema = 'drizzle'`).toHaveLength(1)
    await sql.end()
    await drop()
    await expect(postgres(url, { max: 1 })`SELECT 1`).rejects.toMatchObject({ code: '3D000' })
  }
})

/** Sessions that were ended are gone a moment later. */
async function sessionsAt(url: string): Promise<number> {
  const admin = postgres(inject('adminDatabaseUrl'), { max: 1 })
  const name = new URL(url).pathname.slice(1)
  const sessions = await admin`SELECT 1 FROM pg_stat_activity WHERE datname = ${name}`
  await admin.end()
  return sessions.length
}

test('a copy that was written to is given out again as it was, and one that somebody holds is not', async () => {
  const open = (url: string) => postgres(url, { max: 1, onnotice: () => {} })
  const rowsAt = async (url: string) => {
    const sql = open(url)
    const rows = await sql`SELECT to_jsonb(m)::text FROM drizzle.__drizzle_migrations m ORDER BY 1`
    const applications = await sql`SELECT 1 FROM applications`
    await sql.end()
    return [...rows, ...applications]
  }
  const used = await freshDatabase()
  const before = await rowsAt(used.url)
  const sql = open(used.url)
  await sql`DELETE FROM drizzle.__drizzle_migrations WHERE id % 2 = 0`
  await sql`INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('another', 1)`
  await sql`INSERT INTO applications (id, slug, name) VALUES (gen_random_uuid(), 'shop', 'Shop')`
  await sql.end()
  expect(await rowsAt(used.url)).not.toEqual(before)
  await eventually(async () => expect(await sessionsAt(used.url)).toBe(0))
  await used.drop()
  const again = await freshDatabase()
  expect(again.url).toBe(used.url)
  expect(await rowsAt(again.url)).toEqual(before)
  const holder = open(again.url)
  await holder`SELECT 1`
  await again.drop()
  await expect(holder`SELECT 1`).rejects.toThrow()
  expect((await freshDatabase()).url).not.toBe(used.url)
})

test.each([
  { args: [], kept: null },
  { args: ['--appendonly', 'yes', '--appendfsync', 'always'], kept: 'value' },
])('a Redis of its own, started with $args, has $kept after a kill', async ({ args, kept }) => {
  const server = await startRedis({ args })
  await askRedis(server.url, (redis) => redis.set('key', 'value'))
  await server.kill9()
  await expect(askRedis(server.url, (redis) => redis.ping())).rejects.toThrow()
  await server.restart()
  expect(await askRedis(server.url, (redis) => redis.get('key'))).toBe(kept)
  await server.stop()
  await expect(askRedis(server.url, (redis) => redis.ping())).rejects.toThrow()
})

test('however many Redis servers of its own there are, one listener waits for the end of the process', async () => {
  const before = process.listenerCount('exit')
  const servers = [await startRedis(), await startRedis()]
  expect(process.listenerCount('exit')).toBeLessThanOrEqual(before + 1)
  await servers[0]?.kill9()
  await servers[0]?.restart()
  for (const server of servers) await server.stop()
  expect(process.listenerCount('exit')).toBe(before)
})

test('a PostgreSQL of its own comes back on the same port with what was committed', async () => {
  const server = await startPostgres()
  const open = () => postgres(server.url, { max: 1, onnotice: () => {} })
  await open()`CREATE TABLE kept (n int)`
  for (const end of [server.kill9, server.stop]) {
    await open()`INSERT INTO kept VALUES (1)`
    await end()
    await expect(open()`SELECT 1`).rejects.toThrow()
    await server.restart()
  }
  expect(await open()`SELECT n FROM kept`).toHaveLength(2)
  await server.stop()
})

test('the shared Redis answers, and each user of it gets a beginning for keys of its own', async () => {
  const { url, prefix } = sharedRedis()
  expect(sharedRedis().prefix).not.toBe(prefix)
  expect(await askRedis(url, (redis) => redis.set(prefix, 'value', 'EX', 60))).toBe('OK')
})

async function askRedis<T>(url: string, ask: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  redis.on('error', () => {})
  try {
    await redis.connect()
    return await ask(redis)
  } finally {
    redis.disconnect()
  }
}
