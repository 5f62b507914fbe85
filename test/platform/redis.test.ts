import { once } from 'node:events'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { connectRedis, type RedisConnection, redisProblem } from '../../src/platform/redis.ts'
import { readRedisAddress } from '../../src/platform/redis-address.ts'
import { type RedisServer, startRedis } from '../world/redis.ts'

function connectTo(url: string, answerMs = 500): { redis: RedisConnection; lines: string[] } {
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const reading = readRedisAddress(url)
  if (!reading.ok) throw new Error(reading.problem)
  return { redis: connectRedis(reading.address, { log, answerMs }), lines }
}

test('user, password and database of the address are used', async () => {
  const server = await startWithPassword('right one')
  const { redis, lines } = connectTo(`redis://default:right%20one@127.0.0.1:${server.port}/5`, 5_000)
  await redis.settled()
  expect(await redis.prompt().set('key', 'value')).toBe('OK')
  expect(await redis.prompt().call('CLIENT', 'INFO')).toMatch(/ db=5 /)
  expect(await redis.patient().get('key')).toBe('value')
  expect(lines).toEqual([])
  await redis.close()
  await server.stop()
})

test('a wrong password is told once, without being told', async () => {
  const server = await startWithPassword('right one')
  const { redis, lines } = connectTo(`redis://:hunter2@127.0.0.1:${server.port}`)
  await redis.settled()
  const outcome = redis.prompt().get('key')
  await expect(outcome).rejects.toThrow()
  expect(redisProblem(await outcome.catch((error: unknown) => error))).not.toContain('hunter2')
  await vi.waitFor(() => expect(lines).toHaveLength(1), 5_000)
  // Long enough for several tries.
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toContain('WRONGPASS')
  expect(lines[0]).not.toContain('hunter2')
  await redis.close()
  await server.stop()
})

test('where there is no database of the number of the address, nothing is written into another one', async () => {
  const server = await startRedis()
  const { redis, lines } = connectTo(`${server.url}/99`)
  await redis.settled()
  redis
    .patient()
    .set('key', 'value')
    .catch(() => {})
  await expect(redis.prompt().set('key', 'value')).rejects.toThrow()
  await vi.waitFor(() => expect(lines).toHaveLength(1), 5_000)
  expect(lines[0]).toContain('DB index is out of range')
  const admin = new Redis(server.port)
  const selects = async () =>
    Number(/cmdstat_select:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0)
  const before = await selects()
  await vi.waitFor(async () => expect(await selects()).toBeGreaterThan(before + 4), 20_000)
  expect(await admin.dbsize()).toBe(0)
  expect(lines).toHaveLength(1)
  admin.disconnect()
  await redis.close()
  await server.stop()
})

test('a replica is asked once a second whether it is the master again, however often it was connected to', {
  timeout: 60_000,
}, async () => {
  const server = await startRedis()
  const admin = new Redis(server.port)
  await admin.replicaof('127.0.0.1', 1)
  const { redis, lines } = connectTo(server.url)
  const client = redis.prompt()
  const questions = async () =>
    Number(/cmdstat_info:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0)
  for (let count = 0; count < 10; count += 1) {
    await vi.waitFor(() => expect(client.status).toBe('ready'), 5_000)
    client.disconnect(true)
    await vi.waitFor(() => expect(client.status).not.toBe('ready'), 5_000)
  }
  await vi.waitFor(() => expect(client.status).toBe('ready'), 5_000)
  await admin.config('RESETSTAT')
  const sinceMs = performance.now()
  // Each look at the count is a question itself.
  let ownQuestions = 0
  await vi.waitFor(async () => expect((await questions()) - ++ownQuestions).toBeGreaterThanOrEqual(4), {
    timeout: 30_000,
    interval: 200,
  })
  expect(performance.now() - sinceMs).toBeGreaterThan(2_000)
  await admin.replicaof('NO', 'ONE')
  await vi.waitFor(() => expect(lines.at(-1)).toContain('Redis is back'), 5_000)
  expect(lines).toHaveLength(2)
  admin.disconnect()
  await redis.close()
  await server.stop()
})

test.each(['rediss://', 'rediss+cluster://', 'rediss+sentinel://'])(
  '%s speaks TLS from the first byte',
  async (scheme) => {
    const first: number[] = []
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', (data) => {
        first.push(...data.subarray(0, 2))
        socket.destroy()
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const { redis } = connectTo(
      `${scheme}127.0.0.1:${address.port}${scheme.includes('sentinel') ? '/mymaster' : ''}`,
    )
    redis.prompt()
    // A TLS handshake record of version 3.x.
    await vi.waitFor(() => expect(first.slice(0, 2)).toEqual([0x16, 0x03]), { timeout: 5_000 })
    await redis.close()
    server.close()
  },
)

async function startWithPassword(password: string): Promise<RedisServer> {
  const server = await startRedis()
  const admin = new Redis(server.port)
  await admin.config('SET', 'requirepass', password)
  admin.disconnect()
  return server
}
